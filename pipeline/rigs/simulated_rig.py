"""A rig of simulated cameras, described; light to import, for windows that only offer it."""

from __future__ import annotations

from pipeline.rigs.rig_config import CameraConfig, RigConfig


def simulated_rig(cameras: int, size: tuple[int, int], fps: float, seed: int) -> RigConfig:
    """A rig of the studio's own cameras cam1 … camN."""
    studio = {"seed": seed, "cameras": cameras}
    return RigConfig(
        name="simulated studio",
        cameras=tuple(
            CameraConfig(
                name=f"cam{number}", driver={"type": "simulated", "studio": studio}, size=size, fps=fps
            )
            for number in range(1, cameras + 1)
        ),
    )
