"""The rig files that we ship are valid, settings of their drivers included."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.rigs.rig_config import load_rig

RIGS = sorted((Path(__file__).resolve().parents[2] / "configs" / "rigs").glob("*.yaml"))


@pytest.mark.parametrize("path", RIGS, ids=lambda path: path.stem)
def test_every_rig_file_loads(path: Path) -> None:
    rig = load_rig(path)
    assert rig.name
    assert len(set(rig.names)) == len(rig.cameras) >= 2


def test_the_simulated_studio_is_what_the_readme_says() -> None:
    rig = load_rig(next(path for path in RIGS if path.stem == "simulated_studio"))
    assert rig.names == ("cam1", "cam2", "cam3", "cam4")
    assert {camera.size for camera in rig.cameras} == {(640, 480)}
    assert {camera.fps for camera in rig.cameras} == {30.0}
    assert len({str(camera.driver) for camera in rig.cameras}) == 1
