"""Which models and settings turn frames into poses; one yaml per named pipeline in ``configs/pipelines``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator, model_validator

import configs
from configs.errors import bad_input, did_you_mean
from configs.loading import Config, apply_overrides, parse_config, read_yaml
from models.keypoints.retiming import RetimingConfig
from models.one_euro import OneEuroConfig
from models.triangulation.mirror_repair import MirrorRepairConfig
from models.triangulation.predictors.base import UNTRAINED, UNTRAINED_LABEL
from models.triangulation.robust import RobustConfig
from models.triangulation.view_trust import ViewTrustConfig
from pipeline.estimation.monocular_config import MonocularConfig
from pipeline.frames.synchronizer import SynchronizerConfig

PIPELINE_FOLDER: Final = Path(configs.__file__).parent / "pipelines"
MONOCULAR_FOLDER: Final = Path(configs.__file__).parent / "monocular"
"""Settings of each model for one camera, by its name."""

JOINED: Final = "+"
"""Between the names of a pipeline and of a model for one camera."""
_OFFERED: Final = ("blazepose", "rtmpose")
"""Pipelines that are listed with every lifting network; others can be joined as well."""
_LIFTERS: Final = ("simple_baseline", "gridconv")

ANY_PORT: Final = "tcp://127.0.0.1:*"
_OWN_TCP: Final = re.compile(r"tcp://(?:127\.0\.0\.1|\[::1\]):(\*|[0-9]{1,5})")


class StreamConfig(Config):
    """Where other programs may listen to the poses."""

    address: str = "tcp://127.0.0.1:5577"
    """ZeroMQ address; port * lets the system choose; empty: not at all."""

    @field_validator("address")
    @classmethod
    def _stays_on_this_machine(cls, address: str) -> str:
        tcp = _OWN_TCP.fullmatch(address)
        port = tcp[1] if tcp else ""
        if (port == "*" or (port and 0 < int(port) < 65536)) or re.fullmatch(r"ipc://.+", address):
            return address
        if address:
            raise ValueError(
                "only this machine may listen; give tcp://127.0.0.1:PORT (1..65535 or *), ipc://FILE or "
                "nothing"
            )
        return address

    @property
    def asked_for(self) -> bool:
        """Whether somebody chose the address; the default one may be replaced when it is in use."""
        return "address" in self.model_fields_set


STAND_IN: Final = "noisy_truth"
STAND_IN_LABEL: Final = "Keypoints here are the studio's truth projected with noise, not a network's output"


class PipelineConfig(Config):
    """From frames to poses."""

    version: Literal[1] = 1
    name: str
    description: str = ""
    keypoints: dict[str, Any]
    """``type`` names a 2D keypoint model; the rest are its own settings."""
    network: dict[str, Any] | None = None
    """``type`` names a learned triangulation; the keypoint model then only finds the person. The rest are its
    own settings."""
    centre_network: dict[str, Any] | None = None
    """A second one on the same crops that tells a volumetric network where the pelvis is."""
    monocular: MonocularConfig | None = None
    """What is made of people that one camera sees: a name in ``configs/monocular``, its settings, or off."""

    synchronizer: SynchronizerConfig = Field(default_factory=SynchronizerConfig)
    mirror_repair: MirrorRepairConfig | None = Field(default_factory=MirrorRepairConfig)
    retiming: RetimingConfig | None = Field(default_factory=RetimingConfig)
    view_trust: ViewTrustConfig | None = Field(default_factory=ViewTrustConfig)
    triangulation: RobustConfig = Field(default_factory=RobustConfig)
    smoothing: OneEuroConfig | None = Field(default_factory=OneEuroConfig)
    stream: StreamConfig = Field(default_factory=StreamConfig)

    @field_validator("keypoints", "network", "centre_network")
    @classmethod
    def _names_a_model(cls, model: dict[str, Any] | None) -> dict[str, Any] | None:
        if model is not None and not isinstance(model.get("type"), str):
            raise ValueError("needs a key type, the name of a model")
        return model

    @field_validator("monocular", mode="before")
    @classmethod
    def _named_or_off(cls, given: Any) -> Any:
        if given is False or given == "off":  # yaml reads the word off as false
            return None
        return monocular_part(given) if isinstance(given, str) else given

    @model_validator(mode="after")
    def _one_way(self) -> PipelineConfig:
        if self.network is not None and self.monocular is not None:
            raise ValueError(
                f"network {self.network['type']} looks at all views together and does not go with monocular "
                f"{self.monocular.type}; leave one of them out"
            )
        return self

    @property
    def label(self) -> str:
        """What a viewer must be told before believing the poses; empty when there is nothing."""
        untrained = any(
            part is not None and part.get("weights", UNTRAINED) == UNTRAINED
            for part in (
                self.network,
                self.centre_network,
                self.monocular.model if self.monocular is not None else None,
            )
        )
        if untrained:  # whoever found the person
            return UNTRAINED_LABEL
        return STAND_IN_LABEL if self.keypoints["type"] == STAND_IN else ""


def pipeline_names() -> list[str]:
    """Names of the pipelines that come with Posestage; ``load_pipeline`` joins others, too."""
    known = [path.stem for path in PIPELINE_FOLDER.glob("*.yaml")]
    joined = [f"{name}{JOINED}{lifter}" for name in _OFFERED for lifter in _LIFTERS]
    return sorted([*known, *joined])


def monocular_names() -> list[str]:
    """Names of the models for one camera."""
    return sorted(path.stem for path in MONOCULAR_FOLDER.glob("*.yaml"))


def monocular_part(name: str, key: str = "monocular") -> dict[str, Any]:
    """The settings that a model for one camera comes with.

    Raises:
        BadInputError: There is none of that name.
    """
    path = MONOCULAR_FOLDER / f"{name}.yaml"
    if name not in monocular_names():
        known = monocular_names()
        raise bad_input(
            "unknown model for one camera",
            key=key,
            value=name,
            allowed=", ".join([*known, "off"]),
            hint=did_you_mean(name, known),
        )
    return read_yaml(path)


def load_pipeline(name: str, overrides: tuple[str, ...] = ()) -> PipelineConfig:
    """A pipeline by name, ``PIPELINE+MODEL``, or from a yaml file of one's own.

    ``blazepose+gridconv`` is the pipeline ``blazepose`` with the model for one camera ``gridconv``.

    Raises:
        BadInputError: Unknown name, or a wrong key or value in the file or in ``--set``.
    """
    path, part = Path(name), ""
    if path.suffix not in {".yaml", ".yml"}:
        base, joined, part = name.partition(JOINED)
        path = _path_of(base, name)
        if joined:
            return _joined(path, base, part, name, overrides)
    return parse_config(PipelineConfig, apply_overrides(read_yaml(path), overrides), source=path)


def _path_of(base: str, name: str) -> Path:
    own = Path(base)
    path = own if own.suffix in {".yaml", ".yml"} else PIPELINE_FOLDER / f"{base}.yaml"
    if path.parent == PIPELINE_FOLDER and not path.is_file():
        known = pipeline_names()
        swapped = base in monocular_names()
        raise bad_input(
            "unknown pipeline",
            key="--pipeline",
            value=name,
            allowed=", ".join([*known, "none", "a yaml file"]),
            hint=f"{base} makes poses from keypoints; say which ones, such as blazepose{JOINED}{base}"
            if swapped
            else did_you_mean(base if base != name else name, known),
        )
    return path


def _joined(path: Path, base: str, part: str, name: str, overrides: tuple[str, ...]) -> PipelineConfig:
    data = read_yaml(path)
    if data.get("network") is not None or data.get("monocular") is not None:
        sources = [known for known in pipeline_names() if JOINED not in known and _gives_keypoints(known)]
        raise bad_input(
            f"pipeline {base} makes 3D poses its own way and takes no model for one camera",
            key="--pipeline",
            value=name,
            allowed=", ".join(f"{source}{JOINED}{part}" for source in sources),
        )
    data["monocular"] = monocular_part(part, "--pipeline")
    data["name"] = f"{data.get('name', path.stem)}{JOINED}{part}"
    words = (str(data.get("description", "")), str(data["monocular"].get("description", "")))
    data["description"] = ". ".join(word.rstrip(".") for word in words if word)
    return parse_config(PipelineConfig, apply_overrides(data, overrides), source=name)


def _gives_keypoints(name: str) -> bool:
    data = read_yaml(PIPELINE_FOLDER / f"{name}.yaml")
    return data.get("network") is None and data.get("monocular") is None
