"""What a pipeline makes of people whom one camera sees."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from configs.loading import Config
from models.monocular.gap_filler import GapConfig


class MonocularConfig(Config):
    """A model for one camera, and when it is asked."""

    type: str
    """A name in ``MONOCULAR_MODELS``; every key that is not below is its own setting."""
    description: str = ""
    use: Literal["gaps", "always"] = "gaps"
    """``gaps``: several cameras triangulate, and what a single one sees fills the gaps; a rig of one camera
    is nothing but gap. ``always``: every camera makes a pose of its own, the most likely of these is told."""
    gaps: GapConfig = Field(default_factory=GapConfig)
    model: dict[str, Any] = Field(default_factory=dict)
    """Settings of the model."""

    @model_validator(mode="before")
    @classmethod
    def _own_settings(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        own = {key: value for key, value in data.items() if key not in cls.model_fields}
        rest = {key: value for key, value in data.items() if key in cls.model_fields}
        return {**rest, "model": {**data.get("model", {}), **own}}
