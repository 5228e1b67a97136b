"""Tiny nodes for tests of the supervisor; here so that spawned processes can import them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path
from typing import Any

from configs.errors import BadInputError
from pipeline.processes.node import Node, NodeContext, run_node
from pipeline.wire.bus import Bus
from pipeline.wire.messages import Command


class CountingNode(Node):
    """Counts its steps; obeys the commands hidden in ``details`` of "event" to misbehave."""

    def __init__(self, context: Any, start_at: int = 0) -> None:
        super().__init__(context)
        self.count = start_at
        self.heard: list[str] = []
        self.hang = False

    def open(self, bus: Bus) -> dict[str, Any]:
        return {"start_at": self.count}

    def on_command(self, command: Command) -> None:
        self.heard.append(command.kind)
        todo = command.details.get("do")
        if todo == "crash":
            raise RuntimeError("told to crash")
        if todo == "die":
            os._exit(9)
        self.hang = todo == "hang"

    def step(self) -> bool:
        if self.hang:
            time.sleep(3600)
        self.count += 1
        time.sleep(0.01)
        return True

    def close(self) -> None:
        self.report("event", "closed", what="closed")

    def telemetry(self) -> dict[str, Any]:
        return {"count": self.count, "heard": self.heard}


class SlowToOpenNode(CountingNode):
    """Loads something large, or compiles."""

    def open(self, bus: Bus) -> dict[str, Any]:
        time.sleep(1.5)
        return super().open(bus)


class RefusingNode(CountingNode):
    """Cannot open, for a reason the user can mend."""

    def open(self, bus: Bus) -> dict[str, Any]:
        raise BadInputError("camera 7 is not plugged in; plug it in")


def start_and_die(endpoints: Any, pid_file: Path) -> None:
    """Start a node and be killed before it has looked around: what SIGKILL or the OOM killer do."""
    context = NodeContext("orphan", endpoints, "error")
    process = multiprocessing.get_context("spawn").Process(
        target=run_node, args=(CountingNode, context, {}), daemon=True
    )
    process.start()
    pid_file.write_text(str(process.pid))
    os.kill(os.getpid(), signal.SIGKILL)
