"""Starts the processes of a session, watches heartbeats, restarts with back-off, stops in order."""

from __future__ import annotations

import atexit
import contextlib
import logging
import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing import resource_tracker
from typing import Any, Final

import msgspec

from configs.errors import BadInputError, PosestageError
from pipeline.frames.ring import clean_up_after_dead_owners, unlink_rings_of
from pipeline.processes.node import COMMAND_QUEUE, Endpoints, Node, NodeContext, run_node
from pipeline.wire.bus import Bus, Receiver, wait_for_any
from pipeline.wire.messages import Command, Report

log = logging.getLogger(__name__)

SILENT_AFTER_S: Final = 3.0
"""A node without a heartbeat for this long hangs: a step takes some 100 ms, models some 100 ms more. A node
whose steps take longer says so when it is ready: ``silent_after_s`` among its details."""

_ABSENT_S: Final = 1.0
"""Longer between two polls than this, and the silence of the others is no news."""
_BACK_OFF_S: Final = (0.1, 0.5, 1.0, 2.0, 5.0)
_HEALTHY_AFTER_S: Final = 10.0
_START_DEADLINE_S: Final = 60.0
_START_EACH_S: Final = 8.0
"""Processor time that a node may need to load what it uses, on a slow machine; they all start at once."""
_JOIN_DEADLINE_S: Final = 15.0


class CancelledError(PosestageError):
    """Starting was called off by who had asked for it."""


@dataclass(frozen=True)
class NodeSpec:
    """What to run, and in which wave it stops (0 first: sources; then those who drain)."""

    name: str
    node_class: type[Node]
    settings: dict[str, Any]
    stop_wave: int = 0
    stop_within_s: float = _JOIN_DEADLINE_S
    """How long it may take to end in order before it is ended."""
    start_within_s: float = _START_DEADLINE_S
    """How long it may take until it is ready."""
    takes_frames: bool = False
    """Whether it is the one that holds the cameras' pictures; a new one starts with none held."""
    endpoints: Endpoints | None = None
    """Its own view of the session's addresses, where that differs from the others'."""


@dataclass
class _Running:
    spec: NodeSpec
    process: multiprocessing.process.BaseProcess
    started: float
    last_heard: float
    ready: bool = False
    ended: bool = False
    details: dict[str, Any] = field(default_factory=dict)
    telemetry: dict[str, Any] = field(default_factory=dict)
    failures: int = 0
    restart_at: float | None = None
    failure: Report | None = None
    on_trial: bool = False
    """Added while others run, and not ready yet: when it fails it is not started again."""
    leaves_by: float | None = None
    """It was told to stop, for a successor or for good, and is ended at this time."""

    @property
    def silent_after_s(self) -> float:
        """Without a heartbeat for this long it hangs."""
        return max(SILENT_AFTER_S, float(self.details.get("silent_after_s", 0.0)))


class Supervisor:
    """Runs a table of nodes. Not a thread: the owner calls ``poll`` often, from one thread.

    Args:
        specs: The nodes.
        endpoints: The session's addresses.
        on_report: Called for every report of every node, and for the supervisor's own events.
    """

    def __init__(
        self,
        specs: Sequence[NodeSpec],
        endpoints: Endpoints,
        on_report: Callable[[Report], None],
        log_level: str,
    ) -> None:
        self._specs = list(specs)
        self._endpoints = endpoints
        self._on_report = on_report
        self._log_level = log_level
        self._bus = Bus()
        self._context = multiprocessing.get_context("spawn")
        self._nodes: dict[str, _Running] = {}
        self._sticky: list[Command] = []
        self._successors: dict[str, NodeSpec | None] = {}
        self._stopped = False
        self._polled_at = time.monotonic()
        self.restarts = 0

    def start(self, cancelled: Callable[[], bool] = lambda: False) -> None:
        """Start all nodes and wait until each has said that it is ready.

        Args:
            cancelled: Asked often; True gives up.

        Raises:
            CancelledError: It was given up.
            BadInputError: A node could not open for a reason the user can mend.
            PosestageError: A node failed to start for another reason, or in time.
        """
        for name in clean_up_after_dead_owners():
            log.info("removed shared memory %s of a process that no longer lives", name)
        atexit.register(self._end_all)  # before multiprocessing waits for children that heard no "stop"
        self._commands = self._bus.publisher(self._endpoints.commands, queue=COMMAND_QUEUE)
        self._reports = self._bus.receiver(self._endpoints.reports, queue=100_000)
        for spec in self._specs:
            self._launch(spec)
        started = time.monotonic()
        crowd_s = _START_EACH_S * len(self._specs) / (os.cpu_count() or 1)
        while not all(node.ready for node in self._nodes.values()):
            if cancelled():
                raise CancelledError("starting was called off")
            self._commands.send("command", Command("ping"))
            self._receive(50)
            for node in self._nodes.values():
                if node.failure is not None:
                    raise failure_of(node.failure)
                if not node.ready and node.process.exitcode is not None:
                    raise PosestageError(
                        f"{node.spec.name} ended while starting (code {node.process.exitcode})"
                    )
            waited = time.monotonic() - started
            late = [
                name
                for name, node in self._nodes.items()
                if not node.ready and waited > node.spec.start_within_s + crowd_s
            ]
            if late:
                raise PosestageError(f"not ready after {waited:.0f} s: {', '.join(late)}")

    def replace(self, name: str, successor: NodeSpec | None) -> None:
        """Stop one node while the others run, then start ``successor`` in its place, if any.

        Returns at once; ``poll`` does it. A successor that fails before it is ready ends with a report of
        kind ``failed`` and is gone; once ready it is restarted like any other.

        Args:
            name: The node; need not exist.
            successor: Of the same name.
        """
        assert successor is None or successor.name == name
        self._successors[name] = successor
        node = self._nodes.get(name)
        if node is not None and node.leaves_by is None:
            # One that is still loading does not listen, and has nothing to put in order.
            node.leaves_by = time.monotonic() + (node.spec.stop_within_s if node.ready else 0.0)

    def command(self, command: Command, *, sticky: bool = False) -> None:
        """Tell all nodes; a sticky command is told to a restarted node again."""
        if sticky:
            self._sticky.append(command)
        self._commands.send("command", command)

    def forget(self, kind: str) -> None:
        """Restarted nodes no longer hear this command."""
        self._sticky = [command for command in self._sticky if command.kind != kind]

    def details(self, name: str) -> dict[str, Any]:
        """What a node said when it became ready."""
        return self._nodes[name].details

    def telemetry(self) -> dict[str, dict[str, Any]]:
        """The last numbers of every node."""
        return {name: node.telemetry for name, node in self._nodes.items()}

    def alive(self) -> dict[str, bool]:
        """Whether each node runs and answers."""
        now = time.monotonic()
        return {
            name: node.process.is_alive() and now - node.last_heard < node.silent_after_s
            for name, node in self._nodes.items()
        }

    def ready(self, name: str) -> bool:
        """Whether a node hears commands; not while it is being restarted."""
        node = self._nodes.get(name)
        return node is not None and node.ready and node.restart_at is None and node.process.is_alive()

    def pid(self, name: str) -> int | None:
        """Process id of a node."""
        return self._nodes[name].process.pid

    def poll(self, timeout_ms: int = 20, also: Sequence[Receiver] = ()) -> None:
        """Hear reports, notice the dead and the silent, restart whose time has come.

        Args:
            timeout_ms: How long to wait for the first report.
            also: A message on one of these ends the waiting too.
        """
        if also:
            wait_for_any([self._reports, *also], timeout_ms)
            timeout_ms = 0
        self._forgive_own_absence()
        self._receive(timeout_ms)
        now = self._polled_at = time.monotonic()
        self._replace_nodes(now)
        for node in list(self._nodes.values()):
            if node.leaves_by is not None:
                continue
            if node.on_trial and self._failed_on_trial(node, now):
                continue
            if node.restart_at is not None:
                if now >= node.restart_at:
                    self._relaunch(node)
            elif node.ended:
                continue
            elif node.process.exitcode is not None:
                self._failed(node, f"ended unexpectedly (code {node.process.exitcode})")
            elif now - node.last_heard > node.silent_after_s and node.ready:
                node.process.kill()
                node.process.join(1.0)
                self._failed(node, f"did not answer for {node.silent_after_s:.0f} s and was ended")
            elif not node.ready:
                self._commands.send("command", Command("ping"))

    def _forgive_own_absence(self) -> None:
        """Whoever did not listen must not blame the others for silence: stopped, or busy, for a while."""
        now = time.monotonic()
        if now - self._polled_at > _ABSENT_S:
            for node in self._nodes.values():
                node.last_heard = now

    def _replace_nodes(self, now: float) -> None:
        for name in list(self._successors):
            node = self._nodes.get(name)
            if node is not None and node.process.is_alive():
                assert node.leaves_by is not None
                if now < node.leaves_by:
                    self._commands.send("command", Command("stop", to=name))
                else:
                    node.process.kill()
                continue
            if node is not None:
                self._remove(node)
            successor = self._successors.pop(name)
            if successor is not None:
                self._specs.append(successor)
                self._launch(successor)
                self._nodes[name].on_trial = True

    def _failed_on_trial(self, node: _Running, now: float) -> bool:
        """Whether a node that was added later could not start; it is gone then."""
        if node.ready:
            node.on_trial = False
            return False
        waited = now - node.started
        if node.process.exitcode is not None:
            what = f"ended while starting (code {node.process.exitcode})"
        elif waited > node.spec.start_within_s:
            node.process.kill()
            what = f"not ready after {waited:.0f} s"
        else:
            return False
        self._receive(0)  # its last words
        self._remove(node)
        if node.failure is None:
            details = {"exit_code": 1}
            self._on_report(Report(node.spec.name, node.process.pid or -1, "failed", what, details))
        return True

    def _remove(self, node: _Running) -> None:
        node.process.join()
        unlink_rings_of(node.process.pid or -1)
        self._nodes.pop(node.spec.name, None)
        self._specs = [spec for spec in self._specs if spec.name != node.spec.name]

    def stop(self) -> None:
        """Stop wave by wave: sources first, then those who drain; end who does not obey. Idempotent."""
        if self._stopped:
            return
        self._stopped = True
        try:
            for wave in sorted({spec.stop_wave for spec in self._specs}):
                nodes = [node for node in self._nodes.values() if node.spec.stop_wave == wave]
                self._stop_wave(nodes)
        finally:  # a second Ctrl-C ends the waiting, not the order
            self._end_all()
            self._bus.close(linger_ms=100)
            atexit.unregister(self._end_all)

    def _end_all(self) -> None:
        """End whoever is still there, without waiting for them."""
        for node in self._nodes.values():
            if node.process.is_alive():
                node.process.kill()
                node.process.join()
            unlink_rings_of(node.process.pid or -1)

    def _stop_wave(self, nodes: list[_Running]) -> None:
        for node in nodes:
            if node.on_trial and not node.ready:
                node.process.kill()  # it loads, does not listen, and has nothing to put in order
        patience_s = max((node.spec.stop_within_s for node in nodes), default=0.0)
        deadline = time.monotonic() + patience_s
        while any(node.process.is_alive() for node in nodes) and time.monotonic() < deadline:
            for node in nodes:
                if node.process.is_alive():
                    self._commands.send("command", Command("stop", to=node.spec.name))
            self._receive(20)
        for node in nodes:
            if node.process.is_alive():
                log.warning("%s did not stop in %.0f s; ending it", node.spec.name, patience_s)
                node.process.kill()
            node.process.join()
            unlink_rings_of(node.process.pid or -1)
        self._receive(0)

    def _launch(self, spec: NodeSpec) -> None:
        context = NodeContext(spec.name, spec.endpoints or self._endpoints, self._log_level)
        process = self._context.Process(
            target=run_node, args=(spec.node_class, context, spec.settings), name=spec.name, daemon=True
        )
        with _signals_held_back():
            process.start()
        now = time.monotonic()
        previous = self._nodes.get(spec.name)
        node = _Running(spec, process, now, now)
        if previous is not None:
            node.failures = previous.failures
            node.telemetry = previous.telemetry
        self._nodes[spec.name] = node

    def _relaunch(self, node: _Running) -> None:
        self.restarts += 1
        self._launch(node.spec)

    def _failed(self, node: _Running, what: str) -> None:
        unlink_rings_of(node.process.pid or -1)
        reason = node.failure.message if node.failure is not None else what
        if time.monotonic() - node.started > _HEALTHY_AFTER_S:
            node.failures = 0
        delay = _BACK_OFF_S[min(node.failures, len(_BACK_OFF_S) - 1)]
        node.failures += 1
        node.restart_at = time.monotonic() + delay
        message = f"{node.spec.name}: {reason}; restarting in {delay:g} s"
        log.warning("%s", message)
        self._on_report(Report(node.spec.name, node.process.pid or -1, "event", message, {"what": "restart"}))

    def _receive(self, timeout_ms: int) -> None:
        for message in self._reports.receive_all(timeout_ms):
            report: Report = message.payload
            node = self._nodes.get(report.node)
            if node is None or report.pid != node.process.pid:
                continue
            node.last_heard = time.monotonic()
            if report.kind == "ready":
                node.ready = True
                node.details = report.details
                self._catch_up(node)
            elif report.kind in {"telemetry", "ended"}:
                node.telemetry = report.details or node.telemetry
                node.ended = node.ended or report.kind == "ended"
            elif report.kind == "failed":
                node.failure = report
            # The last words of a node that makes room are not its successor's.
            if report.kind != "alive" and (node.leaves_by is None or report.kind == "event"):
                self._on_report(report)

    def _catch_up(self, node: _Running) -> None:
        """A node that was restarted hears what the others were told before."""
        if node.spec.takes_frames:
            # One that hung or was killed had pictures in its hands, or all of them: nobody else frees them.
            self._commands.send("command", Command("release"))
        for command in self._sticky:
            self._commands.send("command", msgspec.structs.replace(command, to=node.spec.name))


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Let a child start with Ctrl-C and requests to end blocked, so that none hits it before it can say no.

    In this process they arrive at the end of the block.
    """
    if not hasattr(signal, "pthread_sigmask") or threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # started inside the block it would lift the mask again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def failure_of(failure: Report) -> PosestageError:
    """The error behind a node's report of failure: bad input stays bad input, and says which camera."""
    if failure.details.get("exit_code") == 2:
        camera = failure.details.get("camera", "")
        named = not camera or camera in failure.message
        return BadInputError(failure.message if named else f'camera "{camera}": {failure.message}')
    return PosestageError(f"{failure.node}: {failure.message}")
