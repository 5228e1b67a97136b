"""A dry run: everything is built and tried with a few batches, nothing is kept."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from models.training.config import TrainConfig
from models.training.contact_sheet import write_contact_sheet
from models.training.processes import Processes
from models.training.setup import set_up
from models.training.tasks.base import to_tensors
from models.training.trainer import Trainer
from models.triangulation.predictors.device import choose_device

TIMED_STEPS = 3


@dataclass(frozen=True)
class Rehearsal:
    """What a run will be like.

    Attributes:
        device: Where it runs.
        parameters: Trainable numbers of the network.
        samples: Of the training data.
        validation_samples: Of the validation data.
        shapes: Of a training batch, by name.
        loss: Of the first step.
        figures: Of one validation batch, with random or starting weights.
        data_seconds: To make a batch in one process.
        step_seconds: Of a step without its data.
        hours: Of the whole run with this many workers, validation left out.
        memory_bytes: Most memory in use, on the GPU if there is one.
    """

    device: str
    parameters: int
    samples: int
    validation_samples: int
    shapes: dict[str, list[int]]
    loss: float
    figures: dict[str, float]
    data_seconds: float
    step_seconds: float
    hours: float
    memory_bytes: int


def rehearse(
    config: TrainConfig, *, source: str = "configuration", pictures: Path | None = None
) -> Rehearsal:
    """Build a run, take a few steps and validate one batch, in this process alone.

    Args:
        config: The run.
        source: Of the configuration, for messages.
        pictures: PNG or JPEG file for the first training batch with its labels.

    Raises:
        BadInputError: As ``train``.
    """
    device = choose_device(config.device, source=source)
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    single = config.model_copy(update={"workers": 0})
    parts = set_up(single, source=source)
    parts.data.prepare()
    with tempfile.TemporaryDirectory() as folder:
        trainer = Trainer(single, parts, Path(folder), Processes(0, 1, device), None)
        made, stepped, loss = 0.0, 0.0, float("nan")
        batches = []
        for number in range(TIMED_STEPS * config.accumulate):
            begun = time.perf_counter()
            request = trainer.order.request(number)
            batches.append(to_tensors(parts.data.batch(request.indexes, request.epoch)))
            made += time.perf_counter() - begun
        if pictures is not None:
            write_contact_sheet(pictures, batches[0])
        ready = iter(batches)
        for step in range(TIMED_STEPS):
            begun = time.perf_counter()
            losses = trainer.take_step(ready)
            first = float(losses["loss"])  # waits for the device
            if step == 0:
                loss = first
            else:  # the first step also allocates and compiles
                stepped += time.perf_counter() - begun
        figures: dict[str, float] = {}
        if parts.validation is not None:
            parts.validation.prepare()
            count = min(config.validation_batch, len(parts.validation))
            small = config.model_copy(update={"validation_samples": count})
            trainer.config = small
            figures = trainer.validate(parts.validation)
    step_seconds = stepped / (TIMED_STEPS - 1)
    data_seconds = made / (TIMED_STEPS * config.accumulate)
    per_step = data_seconds * config.accumulate
    pace = step_seconds + per_step if config.workers == 0 else max(step_seconds, per_step / config.workers)
    return Rehearsal(
        device=device,
        parameters=sum(p.numel() for p in trainer.network.parameters() if p.requires_grad),
        samples=len(parts.data),
        validation_samples=0 if parts.validation is None else len(parts.validation),
        shapes={name: list(value.shape) for name, value in batches[0].items()},
        loss=loss,
        figures=figures,
        data_seconds=data_seconds,
        step_seconds=step_seconds,
        hours=pace * config.steps / 3600.0,
        memory_bytes=_most_memory(device),
    )


def _most_memory(device: str) -> int:
    if device != "cpu":
        return torch.cuda.max_memory_allocated()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
