"""The loop that trains every network here.

A step is decided by its number alone: which samples it sees, in which order, and all random numbers follow
from the seed and the number. A run that was killed therefore goes on from its last saved state exactly as if
nothing had happened, and on a CPU ends with the same bits.
"""

from __future__ import annotations

import contextlib
import logging
import math
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import torch
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from torch.utils.data import DataLoader

from configs.errors import BadInputError, PosestageError, bad_input
from models.checkpoints.architectures import architecture
from models.checkpoints.writing import ModelCard, write_checkpoint
from models.training.averaging import MovingAverage
from models.training.config import TrainConfig
from models.training.data import TrainingData
from models.training.freezing import freeze_batch_norm, frozen_parts
from models.training.optimisers import build_optimiser, rate_factor, set_rates
from models.training.order import BatchOrder, Request
from models.training.processes import Processes, joined_processes
from models.training.run_log import RunLog
from models.training.run_state import RunState, read_run_state
from models.training.setup import Setup, set_up
from models.training.tasks.base import Batch, ChangesNetwork, to_tensors
from models.triangulation.predictors.device import PRECISIONS, choose_device

log = logging.getLogger(__name__)

LAST, BEST, LATEST = "last_state.pt", "best.safetensors", "last.safetensors"
TOLERATED_FAILURES = 20
"""Steps in a row without a finite gradient, after which a run is given up."""

Progress = Callable[[int, int, str], None]
"""Told the steps done, all steps, and a few words."""


@dataclass
class TrainingResult:
    """How a run ended.

    Attributes:
        folder: Where its files are.
        steps: Done in all.
        best: Smallest monitored figure, None without validation.
        monitor: What that figure is.
        figures: Of the last validation.
        seconds: Of this session of the run.
    """

    folder: Path
    steps: int
    best: float | None
    monitor: str
    figures: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


def train(
    config: TrainConfig,
    folder: Path,
    *,
    resume: bool = False,
    source: str = "configuration",
    progress: Progress = lambda done, total, words: None,
) -> TrainingResult:
    """Train until the configured number of steps is done.

    Args:
        config: The run.
        folder: For its files; must not hold a run already, unless it is resumed.
        resume: Go on from the state in ``folder``.
        source: Of the configuration, for messages.
        progress: See ``Progress``; called in the leading process.

    Raises:
        BadInputError: The configuration, its data or the folder do not fit.
        PosestageError: Gradients were not finite for many steps.
    """
    device = choose_device(config.device, source=source)
    if config.precision == "float16" and device == "cpu":
        raise bad_input("needs a GPU", file=source, key="precision", value="float16", allowed="bfloat16")
    if config.threads is not None:
        torch.set_num_threads(config.threads)
    with joined_processes(device) as processes:
        state = read_run_state(folder / LAST, config) if resume else None
        if state is None and (folder / LAST).exists():
            raise bad_input(
                "holds a run already", file=folder, hint="go on with --resume, or choose another --out"
            )
        parts = set_up(config, source=source)
        if processes.leads:
            folder.mkdir(parents=True, exist_ok=True)
        processes.wait()
        return Trainer(config, parts, folder, processes, state).run(progress)


class Trainer:
    """One process of a run.

    Args:
        config: The run.
        parts: Network, task and data.
        folder: For files.
        processes: Which process this is.
        state: To go on from, None for a new run.
    """

    def __init__(
        self, config: TrainConfig, parts: Setup, folder: Path, processes: Processes, state: RunState | None
    ) -> None:
        self.config, self.parts, self.folder, self.processes = config, parts, folder, processes
        self._device = processes.device
        network = parts.network
        if config.batch_norm == "synchronised" and self._device != "cpu" and processes.count > 1:
            network = nn.SyncBatchNorm.convert_sync_batchnorm(network)  # type: ignore[no-untyped-call]
        self.network = channels_last(network.to(self._device))
        self._frozen = frozen_parts(self.network, config.frozen)
        self.optimiser = build_optimiser(self.network, config)
        self._scaler = torch.amp.GradScaler(
            torch.device(self._device).type, enabled=config.precision == "float16"
        )
        self.average = None if config.ema is None else MovingAverage(self.network, config.ema)
        self.step = 0
        self.best: float | None = None
        if state is not None:
            self._restore(state)
        self.order = BatchOrder(
            len(parts.data),
            config.batch,
            config.seed,
            config.shuffle,
            config.samples_per_epoch,
            processes.rank,
            processes.count,
            config.keep_incomplete,
        )
        self._trained: nn.Module = self.network
        if processes.count > 1:
            ids = None if self._device == "cpu" else [torch.cuda.current_device()]
            self._trained = DistributedDataParallel(self.network, device_ids=ids)
        self._failures = 0

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and handed out."""
        return self.network if self.average is None else self.average.network

    def run(self, progress: Progress) -> TrainingResult:
        """Train to the end."""
        config = self.config
        begun, first = time.monotonic(), self.step
        if config.workers:
            # Its threads do not survive a fork, and waiting for them would never end: let there be none.
            cv2.setNumThreads(1)
        self.parts.data.prepare()
        if self.parts.validation is not None:
            self.parts.validation.prepare()
        # Workers are forked before anything starts a thread, whose locks they would inherit.
        batches = self._batches()
        run_log = RunLog(self.folder, self.step) if self.processes.leads else None
        figures: dict[str, float] = {}
        watched = Watched()
        try:
            while self.step < config.steps:
                watched.add(self.take_step(batches))
                done = self.step
                last = done == config.steps
                if done % config.log_every == 0 or last:
                    means = self._among_all(watched.means())
                    pace = (time.monotonic() - begun) / (done - first)
                    if run_log is not None:
                        rate = self.optimiser.param_groups[0]["lr"]
                        run_log.write("train", done, means | {"rate": rate, "seconds_per_step": pace})
                        progress(done, config.steps, words(means, pace * (config.steps - done)))
                if self.parts.validation is not None and (done % config.validate_every == 0 or last):
                    figures = self.validate(self.parts.validation)
                    if run_log is not None:
                        run_log.write("val", done, figures)
                    self._keep_best(figures)
                if self.processes.leads and (done % config.save_every == 0 or last):
                    self.save()
                self.processes.wait()
        finally:
            if run_log is not None:
                run_log.close()
        monitor = self.parts.task.monitor
        return TrainingResult(self.folder, self.step, self.best, monitor, figures, time.monotonic() - begun)

    def take_step(self, batches: Iterator[Batch]) -> dict[str, Tensor]:
        """Gradients of ``accumulate`` batches, one step of the optimiser; the losses."""
        config = self.config
        seed_step(config.seed, self.step, self.processes.rank)
        per_epoch = max(1, self.order.batches_per_epoch // config.accumulate)
        factor = rate_factor(config.schedule, self.step, config.steps, per_epoch)
        set_rates(self.optimiser, config, factor)
        if isinstance(self.parts.task, ChangesNetwork):
            self.parts.task.begin_step(self.network, self.step, config.steps, per_epoch)
            if self.average is not None:
                self.parts.task.begin_step(self.average.network, self.step, config.steps, per_epoch)
        self._trained.train()
        if config.batch_norm == "frozen":
            freeze_batch_norm(self._trained)
        for still in self._frozen:
            still.eval()
        self.optimiser.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        for part in range(config.accumulate):
            batch = {name: value.to(self._device, non_blocking=True) for name, value in next(batches).items()}
            with self._unshared(part + 1 < config.accumulate):
                with self._mixed():
                    losses = self.parts.task.losses(self._trained, batch, self.step / config.steps)
                self._scaler.scale(losses["loss"] / config.accumulate).backward()  # type: ignore[no-untyped-call]
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value.detach() / config.accumulate
        self._scaler.unscale_(self.optimiser)
        limit = math.inf if config.clip_norm is None else config.clip_norm
        norm = nn.utils.clip_grad_norm_(self.network.parameters(), limit)
        # The norm is that of the averaged gradients, so all processes decide alike.
        if bool(norm.isfinite()):
            self._failures = 0
            self._scaler.step(self.optimiser)
        else:
            self._failures += 1
            log.warning("step %d left out: its gradient is not finite", self.step + 1)
            if self._failures > TOLERATED_FAILURES:
                raise PosestageError(
                    f"{self.folder}: given up at step {self.step + 1}: gradients of {self._failures} steps "
                    "in a row were not finite; lower the learning rates or use precision float32"
                )
        self._scaler.update()
        self.step += 1
        if self.average is not None:
            self.average.follow(self.network, self.step)
        return sums | {"gradient_norm": norm}

    @torch.no_grad()
    def validate(self, data: TrainingData) -> dict[str, float]:
        """Figures over the validation data, which all processes share among themselves."""
        config = self.config
        count = min(len(data), config.validation_samples or len(data))
        network = self.judged.eval()
        sums: dict[str, Tensor] = {}
        starts = range(0, count, config.validation_batch)
        for number in range(self.processes.rank, len(starts), self.processes.count):
            stop = min(starts[number] + config.validation_batch, count)
            arrays = data.batch(torch.arange(starts[number], stop).numpy(), 0)
            batch = {name: value.to(self._device) for name, value in to_tensors(arrays).items()}
            with self._mixed():
                found = self.parts.task.measure(network, batch)
            for name, (total, counted) in found.items():
                pair = torch.stack([total, counted]).double().cpu()
                sums[name] = sums.get(name, torch.zeros(2, dtype=torch.float64)) + pair
        names = sorted(sums)
        if self.processes.count > 1 and len(starts) < self.processes.count:
            raise bad_input(
                "there are fewer validation batches than processes",
                key="validation_batch",
                value=config.validation_batch,
            )
        table = self.processes.added_up(torch.stack([sums[name] for name in names]))
        return {
            name: float(total / counted) if counted else math.nan
            for name, (total, counted) in zip(names, table, strict=True)
        }

    def save(self) -> None:
        """Write what a resumed run needs, and the weights as they are."""
        RunState(
            step=self.step,
            network=self.network.state_dict(),
            average=None if self.average is None else self.average.network.state_dict(),
            optimiser=self.optimiser.state_dict(),
            scaler=self._scaler.state_dict(),
            best=self.best,
            config=self.config.model_dump(mode="json"),
        ).write(self.folder / LAST)
        self._write_weights(self.folder / LATEST, "")

    def _restore(self, state: RunState) -> None:
        self.network.load_state_dict(state.network)
        self.optimiser.load_state_dict(state.optimiser)
        if state.scaler:
            self._scaler.load_state_dict(state.scaler)
        if self.average is not None and state.average is not None:
            self.average.network.load_state_dict(state.average)
        self.step, self.best = state.step, state.best

    def _among_all(self, means: dict[str, float]) -> dict[str, float]:
        """The means of all processes, averaged."""
        total = self.processes.added_up(torch.tensor(list(means.values()), dtype=torch.float64))
        return dict(zip(means, (total / self.processes.count).tolist(), strict=True))

    def _keep_best(self, figures: dict[str, float]) -> None:
        value = figures.get(self.parts.task.monitor, math.nan)
        if math.isnan(value) or (self.best is not None and value >= self.best):
            return
        self.best = value
        if self.processes.leads:
            note = ", ".join(f"{name} {figure:.4g}" for name, figure in sorted(figures.items()))
            self._write_weights(self.folder / BEST, f"validation: {note}")

    def _write_weights(self, path: Path, note: str) -> None:
        choice = self.config.network
        settings = self.parts.settings
        if isinstance(self.parts.task, ChangesNetwork):
            settings = self.parts.task.settings_now(self.judged, settings)
        card = ModelCard(
            architecture=choice.kind,
            settings=settings,
            skeleton=architecture(choice.kind).skeleton(settings),
            source=f"training run {self.config.name}, step {self.step} of {self.config.steps}",
            note=note,
        )
        write_checkpoint(path, self.judged.state_dict(), card)

    def _batches(self) -> Iterator[Batch]:
        start = self.step * self.config.accumulate
        end = self.config.steps * self.config.accumulate
        requests = list(range(start, end))
        source = _Requested(self.parts.data, self.order)
        loader: DataLoader[Any] = DataLoader(
            source,  # type: ignore[arg-type]
            batch_size=None,
            sampler=requests,
            num_workers=self.config.workers,
            worker_init_fn=_one_thread_each if self.config.workers else None,
            prefetch_factor=3 if self.config.workers else None,
            pin_memory=self._device != "cpu",
            # its own order needs no random numbers, and must not take any of ours
            generator=torch.Generator(),
        )
        return _unless_bad(iter(loader))

    def _mixed(self) -> AbstractContextManager[Any]:
        kind = torch.device(self._device).type
        mixed = self.config.precision != "float32"
        return torch.autocast(kind, PRECISIONS[self.config.precision], enabled=mixed)

    def _unshared(self, more_to_come: bool) -> AbstractContextManager[Any]:
        """Gradients stay in this process while more of them are to come."""
        if more_to_come and isinstance(self._trained, DistributedDataParallel):
            return self._trained.no_sync()
        return contextlib.nullcontext()


class _Requested:
    """Batches by their number since the start of training."""

    def __init__(self, data: TrainingData, order: BatchOrder) -> None:
        self._data, self._order = data, order

    def __getitem__(self, number: int) -> Batch | BadInputError:
        request: Request = self._order.request(number)
        try:
            return to_tensors(self._data.batch(request.indexes, request.epoch))
        except BadInputError as error:
            # Raised in a worker its sentence would come with the worker's whole stack.
            return error


def _unless_bad(batches: Iterator[Batch | BadInputError]) -> Iterator[Batch]:
    bad = None
    for batch in batches:
        if isinstance(batch, BadInputError):
            bad = batch
            break
        yield batch
    # Workers end with what they are read through, which the error's own stack would keep alive.
    del batches
    if bad is not None:
        raise bad


class Watched:
    """Means of losses since they were last asked for."""

    def __init__(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._count = 0

    def add(self, losses: dict[str, Tensor]) -> None:
        """Those of a step; nothing waits for the device."""
        for name, value in losses.items():
            self._sums[name] = self._sums.get(name, torch.zeros_like(value)) + value
        self._count += 1

    def means(self) -> dict[str, float]:
        """Since the last call."""
        found = {name: float(value) / self._count for name, value in self._sums.items()}
        self._sums, self._count = {}, 0
        return found


def seed_step(seed: int, step: int, rank: int) -> None:
    """Random numbers of one step of one process."""
    # an odd multiplier spreads neighbouring numbers over the whole range
    torch.manual_seed((seed * 0x9E3779B97F4A7C15 + step * 0xBF58476D1CE4E5B9 + rank) % 2**63)


def words(means: dict[str, float], seconds_left: float) -> str:
    """For a progress bar: loss and time left."""
    hours, rest = divmod(round(seconds_left), 3600)
    return f"loss {means['loss']:.4g}, {hours}:{rest // 60:02d} h left"


def channels_last(network: nn.Module) -> nn.Module:
    """Filters of pictures in the order that convolutions like; those of volumes as they are. In place."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    return network


def _one_thread_each(number: int) -> None:
    del number
    torch.set_num_threads(1)
