"""What the command line needs of training; loaded only then, because it needs torch."""

from configs.registry import Registry

TRAINING = Registry(
    "part of training",
    {
        "train": "models.training.trainer:train",
        "rehearse": "models.training.rehearsal:rehearse",
        "config": "models.training.config:TrainConfig",
    },
    extras={"train": "learned", "rehearse": "learned"},
)
