"""A name resolves to its class, late; a wrong name or a missing package says what to do."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from app.cli.table import COMMANDS
from calibration.formats.registry import FORMATS
from configs.errors import BadInputError, MissingExtraError
from configs.registry import Registry
from models.keypoints.registry import KEYPOINT_MODELS
from pipeline.drivers.registry import DRIVERS
from pipeline.exporters.registry import EXPORTERS

ROOT = Path(__file__).resolve().parents[2]

REGISTRIES = (COMMANDS, DRIVERS, EXPORTERS, FORMATS, KEYPOINT_MODELS)

LINES = [
    pytest.param(registry, name, id=f"{registry.kind}: {name}")
    for registry in REGISTRIES
    for name in registry
]


@pytest.mark.parametrize(("registry", "name"), LINES)
def test_every_line_resolves(registry: Registry, name: str) -> None:
    assert isinstance(registry.load(name), type)


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda r: r.kind)
def test_named_extras_exist(registry: Registry) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert set(registry._extras.values()) <= set(project["optional-dependencies"])
    assert set(registry._extras) <= set(registry)


def test_an_unknown_name_lists_the_known_ones_and_the_nearest() -> None:
    registry = Registry("camera driver", {"usb": "a:B", "rtsp": "c:D"})
    with pytest.raises(BadInputError) as caught:
        registry.check("rstp", file="rig.yaml", key="cameras.door.driver.type")
    assert str(caught.value) == (
        "rig.yaml: cameras.door.driver.type = 'rstp': unknown camera driver; allowed: usb, rtsp; "
        'did you mean "rtsp"?'
    )


def test_a_missing_package_names_its_extra() -> None:
    registry = Registry(
        "keypoint model", {"far": "package_that_is_not_here.model:Far"}, extras={"far": "people"}
    )
    with pytest.raises(
        MissingExtraError, match=re.escape('package_that_is_not_here; run: pip install -e ".[people]"')
    ):
        registry.load("far")


def test_a_missing_module_of_ours_stays_a_bug() -> None:
    with pytest.raises(ModuleNotFoundError):
        Registry("thing", {"lost": "configs.no_such_module:Lost"}).load("lost")
