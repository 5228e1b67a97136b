"""How learning rates and temperatures change during training of the lifting networks."""

from __future__ import annotations


def staircase_rate(
    step: int, *, base: float = 1e-3, decay_steps: int = 100_000, gamma: float = 0.96
) -> float:
    """Learning rate of the Simple 3D Pose Baseline as its public weights were trained.

    The power is a real number but is computed at step 1 and at multiples of ``decay_steps`` only.

    Args:
        step: Batches so far, from 1.
        base: Learning rate before any decay.
        decay_steps: Length of a stair.
        gamma: Factor per stair.
    """
    at = max(step // decay_steps * decay_steps, 1)
    return continuous_rate(at, base=base, decay_steps=decay_steps, gamma=gamma)


def continuous_rate(
    step: int, *, base: float = 1e-3, decay_steps: int = 100_000, gamma: float = 0.96
) -> float:
    """The same computed at every step, as the authors did."""
    return float(base * gamma ** (step / decay_steps))


def epoch_rate(epoch: int, *, base: float = 1e-3, every: int = 10, gamma: float = 0.96) -> float:
    """Learning rate of GridConv in an epoch, counted from 0.

    It falls after each epoch whose number ``every`` divides, the first one included. The published weights
    were trained with 1.
    """
    return float(base * gamma ** (0 if epoch == 0 else 1 + (epoch - 1) // every))


def attention_temperature(
    epoch: int, iteration: int, iterations: int, *, highest: float = 30.0, epochs: int = 10
) -> float:
    """Temperature of GridConv's attention before an iteration: falls in a line to 1.

    The published program sets it only while it falls, so its networks keep the last value, just above 1.

    Args:
        epoch: From 0.
        iteration: Within the epoch, from 0.
        iterations: In an epoch.
        highest: At the start.
        epochs: How long it falls.
    """
    if epoch >= epochs:
        return 1.0
    return 1.0 + (1.0 - (epoch + iteration / iterations) / epochs) * (highest - 1.0)


def gumbel_temperature(progress: float, *, start: float = 1.0, end: float = 0.1) -> float:
    """Temperature of the noise of a learnt layout: falls by a constant factor; progress runs from 0 to 1."""
    return float(start * (end / start) ** min(max(progress, 0.0), 1.0))


def two_phase_factor(step: int, steps: int) -> float:
    """Learning rate of MeTRAbs over its first one: to a third in 92 % of the steps, then a tenth lower.

    Sarandi et al., T-BIOM 2020; falls by constant factors within each phase.

    Args:
        step: From 0.
        steps: Of the whole run.
    """
    first, second = 0.92 * steps, 0.08 * steps
    if step < first:
        return float((1.0 / 3.0) ** (step / first))
    return float(0.3 ** ((step - first) / second) / 30.0)
