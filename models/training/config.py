"""The file that describes a training run."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, model_validator

from configs.loading import Config


class NetworkChoice(Config):
    """What is trained."""

    kind: str
    """Name in ``models.checkpoints.architectures``."""
    settings: dict[str, Any] = Field(default_factory=dict)
    weights: str | None = None
    """Where all weights start from: a file or an imported network that fits exactly."""
    backbone_weights: str | None = None
    """Where the backbone starts from: what fits is copied, the rest is reported."""
    limbs: str | None = None
    """File with limb lengths, for ``contextpose``."""


class Part(Config):
    """Something by name with settings of its own; the name decides which."""

    type: str
    settings: dict[str, Any] = Field(default_factory=dict)


class GroupConfig(Config):
    """Parameters that learn at a pace of their own."""

    prefix: str
    """Of their names; the longest that fits decides, the empty one fits all."""
    rate: float = Field(gt=0.0)
    weight_decay: float = Field(0.0, ge=0.0)


class ScheduleConfig(Config):
    """How learning rates change; all of them by the same factor."""

    type: Literal["constant", "cosine", "milestones", "staircase", "continuous", "epochs", "two_phases"] = (
        "constant"
    )
    warmup_steps: int = Field(0, ge=0)
    """Rates rise in a line from a hundredth."""
    final: float = Field(0.01, ge=0.0, le=1.0)
    """``cosine``: factor at the last step."""
    milestones: tuple[int, ...] = ()
    """``milestones``: epochs after which rates fall."""
    factor: float = Field(0.1, gt=0.0, le=1.0)
    """``milestones``, ``staircase``, ``continuous`` and ``epochs``: by how much."""
    every: int = Field(1, ge=1)
    """``staircase`` and ``continuous``: steps for one ``factor``; ``epochs``: epochs between falls."""


class TrainConfig(Config):
    """A run: data, network, what is minimised, and how."""

    version: Literal[1] = 1
    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    description: str = ""
    network: NetworkChoice
    task: Part
    data: Part
    validation: Part | None = None
    seed: int = Field(0, ge=0, lt=2**31)
    batch: int = Field(ge=1)
    """Samples of a process per step before accumulation."""
    validation_batch: int = Field(16, ge=1)
    validation_samples: int | None = Field(None, ge=1)
    """Of the validation data, from its start; None takes all."""
    accumulate: int = Field(1, ge=1)
    """Batches whose gradients are averaged before a step."""
    steps: int = Field(ge=1)
    shuffle: bool = True
    keep_incomplete: bool = False
    """Train also on the samples of an epoch that do not fill a batch, as a smaller one."""
    samples_per_epoch: int | None = Field(None, ge=1)
    """Taken from each shuffling; None takes all."""
    groups: tuple[GroupConfig, ...] = Field(min_length=1)
    frozen: tuple[str, ...] = ()
    """Names of parts of the network that stay as they are: no gradients, statistics of batch normalisation as
    they were."""
    optimiser: Literal["adam", "adamw"] = "adam"
    schedule: ScheduleConfig = ScheduleConfig()
    clip_norm: float | None = Field(None, gt=0.0)
    ema: float | None = Field(None, gt=0.0, lt=1.0)
    """Decay of the moving average of the weights, which is then what is validated and handed out."""
    precision: Literal["float32", "bfloat16", "float16"] = "float32"
    batch_norm: Literal["train", "frozen", "synchronised"] = "train"
    device: Literal["auto", "cpu", "cuda"] = "auto"
    threads: int | None = Field(None, ge=1)
    """CPU threads of the network; None leaves it to torch."""
    workers: int = Field(0, ge=0)
    """Processes that make batches; 0 makes them in between."""
    log_every: int = Field(20, ge=1)
    save_every: int = Field(500, ge=1)
    validate_every: int = Field(1000, ge=1)

    @model_validator(mode="after")
    def _parts_fit(self) -> TrainConfig:
        if self.precision == "float16" and self.device == "cpu":
            raise ValueError("float16 needs a GPU; set precision to bfloat16 or float32")
        return self


FREE_TO_CHANGE = frozenset(
    ("description", "device", "threads", "workers", "log_every", "save_every", "validate_every")
)
"""Settings that a resumed run may have changed: they do not touch what is learnt."""


def differences(before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """Names of settings that differ and must not.

    Settings that did not exist when a run was started had the values that are now their defaults.
    """
    before = TrainConfig.model_validate(before).model_dump(mode="json")
    names = sorted((before.keys() | after.keys()) - FREE_TO_CHANGE)
    return [name for name in names if before.get(name) != after.get(name)]
