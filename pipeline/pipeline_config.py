"""Which models and settings turn frames into poses; one yaml per named pipeline in ``configs/pipelines``."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import Field, field_validator

import configs
from configs.errors import bad_input, did_you_mean
from configs.loading import Config, apply_overrides, parse_config, read_yaml
from models.keypoints.retiming import RetimingConfig
from models.one_euro import OneEuroConfig
from models.triangulation.mirror_repair import MirrorRepairConfig
from models.triangulation.predictors.base import UNTRAINED, UNTRAINED_LABEL
from models.triangulation.robust import RobustConfig
from models.triangulation.view_trust import ViewTrustConfig
from pipeline.synchronizer import SynchronizerConfig

PIPELINE_FOLDER: Final = Path(configs.__file__).parent / "pipelines"


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

    @property
    def label(self) -> str:
        """What a viewer must be told before believing the poses; empty when there is nothing."""
        untrained = any(
            part is not None and part.get("weights", UNTRAINED) == UNTRAINED
            for part in (self.network, self.centre_network)
        )
        if untrained:  # whoever found the person
            return UNTRAINED_LABEL
        return STAND_IN_LABEL if self.keypoints["type"] == STAND_IN else ""


def pipeline_names() -> list[str]:
    """Names of the pipelines that come with Posestage."""
    return sorted(path.stem for path in PIPELINE_FOLDER.glob("*.yaml"))


def load_pipeline(name: str, overrides: tuple[str, ...] = ()) -> PipelineConfig:
    """A pipeline by name, or from a yaml file of one's own.

    Raises:
        BadInputError: Unknown name, or a wrong key or value in the file or in ``--set``.
    """
    own = Path(name)
    path = own if own.suffix in {".yaml", ".yml"} else PIPELINE_FOLDER / f"{name}.yaml"
    if path.parent == PIPELINE_FOLDER and not path.is_file():
        known = pipeline_names()
        raise bad_input(
            "unknown pipeline",
            key="--pipeline",
            value=name,
            allowed=", ".join([*known, "none", "a yaml file"]),
            hint=did_you_mean(name, known),
        )
    return parse_config(PipelineConfig, apply_overrides(read_yaml(path), overrides), source=path)
