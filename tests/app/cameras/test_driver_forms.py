"""Forms that are made from drivers' configs, with what is wrong beside each field."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import pytest
from pydantic import Field, field_validator

from app.cameras.driver_forms import check_settings, describe, describe_drivers, problems_of
from configs.loading import Config
from pipeline.drivers.registry import DRIVERS


class Lamp(Config):
    """A lamp.

    Attributes:
        power_percent: How bright.
    """

    power_percent: float = Field(default=50.0, ge=0, le=100)


class NewDriverConfig(Config):
    """Settings of a driver that nobody has seen yet.

    Attributes:
        gain_db: Amplification; ``auto`` lets the
            camera decide, None leaves it as it is.
        lamp: Its light.
        key: Secret.
    """

    same_in_rig: ClassVar[tuple[str, ...]] = ("lamp",)

    optional_word: Literal["a", "b"] | None = None
    gain_db: float | Literal["auto"] | None = None
    lamp: Lamp = Lamp()
    spare_lamp: Lamp | None = None
    serial: str
    key: str = Field(default="", repr=False)
    path: str = ""
    trigger: bool = False
    line: int = Field(default=0, ge=0)
    crop: tuple[int, int, int, int] = (0, 0, 1, 1)
    extra: dict[str, Any] | None = None

    @field_validator("serial")
    @classmethod
    def _serial_has_a_dash(cls, text: str) -> str:
        if "-" not in text:
            raise ValueError("serial numbers have a dash")
        return text


def test_a_new_driver_gets_a_form_of_its_own():
    form = describe("new", NewDriverConfig)
    fields = {field.key: field for field in form.fields}
    assert form.fields[0].key == "serial", "what must be given comes first"
    kinds = {key: field.kind for key, field in fields.items()}
    assert kinds == {
        "serial": "text",
        "optional_word": "choice",
        "gain_db": "number_or_word",
        "key": "secret",
        "path": "path",
        "trigger": "switch",
        "line": "integer",
        "crop": "list",
        "lamp": "group",
        "spare_lamp": "group",
        "extra": "yaml",
    }
    gain = fields["gain_db"]
    assert (gain.label, gain.unit, gain.words, gain.optional) == ("Gain", "dB", ("auto",), True)
    assert gain.help == "Amplification; “auto” lets the camera decide, empty leaves it as it is."
    assert fields["serial"].required and not fields["line"].required
    assert fields["lamp"].same_in_rig and not fields["spare_lamp"].same_in_rig
    power = form.field(("lamp", "power_percent"))
    assert power is not None and (power.label, power.unit, power.default) == ("Power", "%", 50.0)
    assert power.help == "How bright."
    assert form.field(("lamp", "nothing")) is None


def test_problems_stand_beside_their_fields_in_plain_words():
    wrong = {
        "serial": "12",
        "gain_db": "loud",
        "lamp": {"power_percent": 120},
        "line": -1,
        "optional_word": "c",
        "nonsense": 1,
        "crop": [1, 2],
    }
    assert problems_of(NewDriverConfig, wrong) == {
        "serial": "Serial numbers have a dash.",
        "gain_db": "Must be a number of dB or auto.",
        "lamp.power_percent": "Must be at most 100 %.",
        "line": "Must be at least 0.",
        "optional_word": "Must be a or b.",
        "nonsense": "This driver has no such setting.",
        "crop": "Not complete.",
    }
    assert problems_of(NewDriverConfig, {}) == {"serial": "Needed."}
    assert problems_of(NewDriverConfig, {"serial": "1-2", "gain_db": 3.5}) == {}


@pytest.fixture(scope="module")
def forms():
    return describe_drivers()


def test_every_driver_and_every_setting_has_its_field(forms):
    assert set(forms) == set(DRIVERS)
    for driver, form in forms.items():
        assert not form.problem
        assert {field.key for field in form.fields} == set(DRIVERS.load(driver).Config.model_fields)
        for field in form.fields:
            assert field.help, f"{driver}.{field.key} is not explained by its driver"


def test_real_drivers_refuse_in_words():
    assert check_settings("usb", {"device": 0, "exposure_us": 8000}) == {}
    assert check_settings("usb", {"exposure_us": "long"}) == {
        "exposure_us": "Must be a number of µs or auto."
    }
    assert check_settings("rtsp", {}) == {"url": "Needed."}
    both = check_settings("simulated", {"studio": {"people": 1}, "board_studio": {}})
    assert list(both) == [""] and "not both" in both[""]
    (unknown,) = check_settings("nothing", {}).values()
    assert "unknown camera driver" in unknown
