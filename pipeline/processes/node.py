"""What all processes of a session share: start, heartbeat, obedience, and a clean end."""

from __future__ import annotations

import contextlib
import logging
import multiprocessing
import os
import signal
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Final

import cv2

from configs.errors import PosestageError
from configs.log_setup import configure_logging
from pipeline.wire.bus import Bus
from pipeline.wire.messages import Command, Report

log = logging.getLogger(__name__)

HEARTBEAT_S: Final = 0.25
TELEMETRY_S: Final = 1.0
COMMAND_QUEUE: Final = 1000
"""Commands that may wait; a node that gets no processor for a while must not miss the one that counts."""


@dataclass(frozen=True)
class Endpoints:
    """Addresses of one session, inside this machine unless told otherwise."""

    commands: str
    reports: str
    frames: str
    records: str
    poses: str
    poses_public: str
    """Where other programs may subscribe; empty: nowhere."""


@dataclass(frozen=True)
class NodeContext:
    """The little a node needs to live in a session."""

    name: str
    endpoints: Endpoints
    log_level: str = "warning"


class Node(ABC):
    """One process of a session: opened once, stepped until told to stop, closed in any case.

    A step waits at most some 100 ms, so that a command is heard. Tests call ``open``, ``step``, ``close``
    directly.
    """

    def __init__(self, context: NodeContext) -> None:
        self.context = context
        self.running = False
        """True after the command ``go``."""

        self._outbox: list[Report] = []

    niceness: ClassVar[int] = 0
    """Higher gives way to the other nodes when the processor is short."""

    @abstractmethod
    def open(self, bus: Bus) -> dict[str, Any]:
        """Acquire everything; returns details for the supervisor ("ready")."""

    @abstractmethod
    def step(self) -> bool:
        """One short unit of work; False when there will be no more."""

    def idle(self) -> None:  # noqa: B027 - most nodes have nothing to do then
        """Called often while there are no steps: before the start, and after the last one."""

    @abstractmethod
    def close(self) -> None:
        """Release everything; called after any failure too."""

    def on_command(self, command: Command) -> None:
        """React to a command; ``go`` and ``stop`` are handled by the loop as well."""
        del command

    def telemetry(self) -> dict[str, Any]:
        """Numbers for the supervisor, asked for once a second."""
        return {}

    def identity(self) -> dict[str, Any]:
        """What a failure of this node is about, such as its camera."""
        return {}

    def report(self, kind: Any, message: str = "", **details: Any) -> None:
        """Queue a report; the loop sends it."""
        self._outbox.append(Report(self.context.name, os.getpid(), kind, message, details))

    def take_reports(self) -> list[Report]:
        """Reports queued since the last call."""
        reports, self._outbox = self._outbox, []
        return reports


def run_node(node_class: type[Node], context: NodeContext, settings: dict[str, Any]) -> None:
    """Body of a node's process."""
    # Ctrl-C and requests to end (systemd, timeout) often go to all processes of a program at once; only the
    # main process may react, which then stops us in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    configure_logging(context.log_level, context.name)
    _show_name(context.name)
    cv2.setNumThreads(1)  # nodes share the cores; OpenCV's own threads would only wait for each other
    if node_class.niceness and hasattr(os, "nice"):
        os.nice(node_class.niceness)
    with Bus() as bus:
        reports = bus.sender(context.endpoints.reports, queue=10_000)
        commands = bus.subscriber(context.endpoints.commands, "command", queue=COMMAND_QUEUE)
        node = node_class(context, **settings)
        try:
            details = node.open(bus)
            while commands.receive(50) is None:  # hear the supervisor before saying ready: late joiners miss
                if _orphaned():
                    node.close()
                    return
            # Whoever took long to open has a queue full of pings, and what follows would find no room in it.
            commands.receive_all()
            reports.send("report", Report(context.name, os.getpid(), "ready", details=details))
            _loop(node, reports, commands)
            node.close()
            for report in node.take_reports():
                reports.send("report", report)
            reports.send("report", Report(context.name, os.getpid(), "ended", details=node.telemetry()))
        except PosestageError as error:
            # An expected failure: the supervisor shows the sentence and decides whether to try again.
            log.warning("%s", error)
            details = {"exit_code": error.exit_code, **node.identity()}
            reports.send("report", Report(context.name, os.getpid(), "failed", str(error), details))
            node.close()
            raise SystemExit(3) from None
        except BaseException as error:
            log.exception("node %s failed", context.name)
            message = f"{type(error).__name__}: {error}"
            reports.send("report", Report(context.name, os.getpid(), "failed", message, {"exit_code": 1}))
            node.close()
            raise SystemExit(4) from None


def _show_name(name: str) -> None:
    """Let ``top`` and ``ps`` say which process is which camera; only Linux has such a file."""
    with contextlib.suppress(OSError):
        Path("/proc/self/comm").write_text(name, encoding="utf-8")


def _orphaned() -> bool:
    """Whether the program that started this process is gone, even if it went before we first looked."""
    parent = multiprocessing.parent_process()
    return parent is not None and not parent.is_alive()


def _loop(node: Node, reports: Any, commands: Any) -> None:
    next_heartbeat = next_telemetry = time.monotonic()
    working = True
    while True:
        for message in commands.receive_all():
            command: Command = message.payload
            if command.to not in {"", node.context.name}:
                continue
            if command.kind == "stop":
                return
            node.on_command(command)
            if command.kind == "go":
                node.running = True
            elif command.kind == "stop_recording":
                next_telemetry = 0.0  # the numbers of the take, not those of a second later
        now = time.monotonic()
        if now >= next_heartbeat:
            reports.send("report", Report(node.context.name, os.getpid(), "alive"))
            next_heartbeat = now + HEARTBEAT_S
            if _orphaned():
                log.warning("%s: the program that started this node is gone; ending", node.context.name)
                return
        if now >= next_telemetry:
            reports.send(
                "report", Report(node.context.name, os.getpid(), "telemetry", details=node.telemetry())
            )
            next_telemetry = now + TELEMETRY_S
        if node.running and working:
            working = node.step()
        else:
            node.idle()
            time.sleep(0.005)
        for report in node.take_reports():
            reports.send("report", report)
