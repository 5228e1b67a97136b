"""One run: record four cameras, do something to one process at a random moment, see what it cost."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path
from typing import Final, Literal

from tests.faults.faulty_capture import FaultyCapture
from tests.faults.outcome import Outcome, judge

How = Literal["kill", "stop", "pause"]
"""SIGKILL; SIGSTOP for good, as a process that hangs looks from outside; SIGSTOP for a second."""

PAUSE_S: Final = 1.0
SUPERVISOR_STOP_S: Final = 4.0
"""Nobody watches the watcher: one that is stopped for good stops the program, so it goes on after this."""
EARLIEST_S: Final = 0.3
LATEST_S: Final = 3.0
AFTER_S: Final = {"kill": 6.0, "stop": 10.0, "pause": 3.0}
"""Recording goes on this long after the latest moment: a restart on a busy machine takes some seconds, and
a process that hangs is noticed after three."""


def inject(folder: Path, victim: str, how: How, dice: random.Random, *, loud: bool = False) -> Outcome:
    """Do it.

    Args:
        folder: New folder for everything of this run.
        victim: ``recorder``, ``grabber`` (one of them), ``inference`` or ``supervisor``.
        how: What happens to it.
        dice: Chooses the moment and the camera.
        loud: See ``FaultyCapture``.

    Raises:
        AssertionError: The program did not start, did not end, or left a process behind.
        PosestageError: The take cannot be opened.
    """
    node = f"grabber-cam{dice.randint(1, 4)}" if victim == "grabber" else victim
    at_s = dice.uniform(EARLIEST_S, LATEST_S)
    folder.mkdir(parents=True)
    with FaultyCapture(folder, LATEST_S + AFTER_S[how], loud=loud) as capture:
        capture.wait_until_recording()
        time.sleep(at_s)
        children = capture.children()
        process = capture.node(node)
        outcome = Outcome(node, how, round(at_s, 3))
        fault_ns = time.monotonic_ns()
        process.send_signal(signal.SIGKILL if how == "kill" else signal.SIGSTOP)
        if how == "pause" or (how == "stop" and node == "supervisor"):
            time.sleep(PAUSE_S if how == "pause" else SUPERVISOR_STOP_S)
            process.send_signal(signal.SIGCONT)
        code = capture.wait_until_ended(children)
        expected = -signal.SIGKILL if (node, how) == ("supervisor", "kill") else 0
        judge(outcome, capture.take, fault_ns, 1 / capture.fps)
        if code != expected:
            outcome.problems.append(f"exit code {code} instead of {expected}: {capture.said[-500:]}")
            outcome.intact = False
    return outcome
