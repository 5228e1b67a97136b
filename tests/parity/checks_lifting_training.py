"""Checks of a few training steps of the lifting networks; limits as recorded with each case, except the last.

A bias before batch normalisation has no gradient; rounding gives it one of 1e-8, and Adam makes a step of
the whole learning rate of it, in a random direction. Training does not see that, but evaluation afterwards
does, by the running mean that lags behind. So outputs after training are known up to a noise that is
measured here: trainings in which those gradients are replaced by random ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from models.training.lifting_losses import squared_distance
from models.training.schedules import attention_temperature, staircase_rate
from tests.parity.case import Case
from tests.parity.checks_lifting import baseline_of, close, gridconv_of
from tests.parity.registry import check

TRAININGS = 12


@dataclass
class Run:
    losses: list[float]
    norms: list[float]
    after: NDArray[np.float32]


def train(
    case: Case,
    network: nn.Module,
    forward: Callable[[Tensor], Tensor],
    prepare: Callable[[int, torch.optim.Optimizer], None],
    noise: int | None,
    *,
    clip: float,
) -> Run:
    """The steps of a case; with ``noise``, gradients that are only rounding are drawn at random."""
    network.train()
    random = torch.Generator().manual_seed(noise or 0)
    optimizer = torch.optim.Adam(network.parameters(), lr=case.config["lr"])
    losses, norms = [], []
    for step, (x, truth) in enumerate(zip(case.tensor("x"), case.tensor("t"), strict=True)):
        prepare(step, optimizer)
        loss = squared_distance(forward(x), truth)
        optimizer.zero_grad()
        loss.backward()
        norms.append(float(nn.utils.clip_grad_norm_(network.parameters(), clip)))
        for parameter in network.parameters():
            assert parameter.grad is not None
            if noise is not None and parameter.grad.abs().max() < 1e-6:
                parameter.grad = torch.randn(parameter.shape, generator=random) * 1e-8
        optimizer.step()
        losses.append(float(loss.detach()))
    network.eval()
    with torch.inference_mode():
        return Run(losses, norms, forward(case.tensor("x")[0]).numpy())


def noise_of(runs: list[Run]) -> float:
    """How far trainings that differ in rounding only end from each other."""
    outputs = np.stack([run.after for run in runs])
    return float((outputs.max(axis=0) - outputs.min(axis=0)).max())


@check("simple_baseline_train*")
def baseline_steps(case: Case) -> None:
    config, arrays = case.config, case.arrays
    rates: list[float] = []

    def prepare(step: int, optimizer: torch.optim.Optimizer) -> None:
        stairs = {"base": config["lr"], "decay_steps": config["lr_decay"], "gamma": config["lr_gamma"]}
        rates.append(staircase_rate(step + 1, **stairs))
        optimizer.param_groups[0]["lr"] = rates[-1]

    def once(noise: int | None) -> tuple[nn.Module, Run]:
        network = case.filled(baseline_of(case))
        return network, train(case, network, network, prepare, noise, clip=1.0)

    network, run = once(None)
    tolerance = case.meta["tolerance"]
    case.within("learning rates", rates, arrays["lr"], tolerance["lr_rtol"], "relative")
    case.within("losses", run.losses, arrays["loss"], tolerance["loss_rtol"], "relative")
    close(case, "gradient norms", run.norms, arrays["grad_norm_before_clip"])
    close(case, "running mean", network.batch_norm1.running_mean, arrays["running_mean_after"])
    close(case, "running variance", network.batch_norm1.running_var, arrays["running_var_after"])
    close(case, "last bias", network.w2.bias, arrays["w2_bias_after"])
    limit = noise_of([run, *(once(seed)[1] for seed in range(TRAININGS))])
    case.within("y after", run.after, arrays["y_after"], limit)


@check("gridconv_train*")
def grid_steps(case: Case) -> None:
    arrays = case.arrays

    def once(noise: int | None, highest: float = 30.0) -> tuple[list[float], Run]:
        network = case.filled(gridconv_of(case))
        temperatures: list[float] = []

        def prepare(step: int, _: torch.optim.Optimizer) -> None:
            temperatures.append(attention_temperature(0, step, len(arrays["x"]), highest=highest))
            network.set_attention_temperature(temperatures[-1])

        return temperatures, train(case, network, network.convolve, prepare, noise, clip=np.inf)

    temperatures, run = once(None)
    case.within("temperatures", temperatures, arrays["temperature"], 1e-9, "relative")
    case.within("losses", run.losses, arrays["loss"], case.meta["tolerance"]["loss_rtol"], "relative")
    limit = noise_of([run, *(once(seed)[1] for seed in range(TRAININGS))])
    case.within("y after", run.after, arrays["y_after"], limit)
