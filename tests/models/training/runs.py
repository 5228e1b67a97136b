"""Small runs for tests: a narrow network on small crops of the simulated studio."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

STUDIO = {"crop_px": 64, "views": 2, "bodies": 1, "clutter": 1.0, "second_person": 0.0}


def tiny_run(**changes: Any) -> dict[str, Any]:
    """A run of a few seconds as a configuration holds it."""
    return {
        "name": "tiny",
        "network": {"kind": "studio_lite", "settings": {"width": 0.25}},
        "task": {"type": "heatmaps"},
        "data": {"type": "simulated_studio", "settings": {**STUDIO, "samples": 64}},
        "batch": 4,
        "steps": 12,
        "groups": [{"prefix": "", "rate": 2e-3}],
        "threads": 1,
        "device": "cpu",
        "log_every": 1,
        "save_every": 2,
        "ema": 0.9,
        **changes,
    }


def written(folder: Path, **changes: Any) -> Path:
    """The file of such a run."""
    path = folder / "run.yaml"
    path.write_text(yaml.safe_dump(tiny_run(**changes)))
    return path
