"""A live calibration: what the wizard and headless ``calibrate`` both drive.

with CalibrationSession(rig, board, folder) as session:
    while not session.state.enough:
        session.poll()
    calibration = session.solve()

Cameras film, the board finder searches, the session keeps the views that help, tries a solve now and then in
a process of its own, and knows by that when it has enough: when the uncertainty that the trial predicts, for
points between the cameras, places, lenses and lags, is small enough (``LiveConfig``). Where the board lies
still on the floor, that becomes the world. What it kept is saved all the time, so an interrupted session can
go on, and the solve can be repeated.
"""

from __future__ import annotations

import logging
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from calibration.board import Board
from calibration.calibrator import Calibration
from calibration.camera import Camera
from calibration.observations import BoardObservations
from configs.errors import BadInputError, PosestageError
from pipeline.calibrating.board_finder import BoardFinder
from pipeline.calibrating.board_messages import unpack_looked
from pipeline.calibrating.camera_progress import ProgressBook
from pipeline.calibrating.config import CalibrateConfig
from pipeline.calibrating.files import save_inputs
from pipeline.calibrating.floor_watch import FloorWatch, FoundFloor, StillStretch
from pipeline.calibrating.solve_process import SolveAnswer, SolveProcess, SolveRequest
from pipeline.calibrating.state import CalibrationState, Phase
from pipeline.calibrating.trial import TrialRunner
from pipeline.calibrating.view_keeper import ViewKeeper
from pipeline.processes.endpoints import session_endpoints
from pipeline.processes.rig_nodes import frame_rates, grabber_name, grabber_specs, picture_sizes
from pipeline.processes.supervisor import NodeSpec, Supervisor
from pipeline.rigs.rig_config import RigConfig
from pipeline.wire.bus import Bus, Receiver, WireError
from pipeline.wire.messages import Command, Report

log = logging.getLogger(__name__)

FINDER: Final = "board-finder"

_ORIGIN_DELAY_NS: Final = 300_000_000
_FOUND_QUEUE: Final = 1000

IntrinsicsFor = Callable[[Mapping[str, tuple[int, int]]], Mapping[str, Camera]]
"""Known lenses for cameras of these sizes, which are not known before the cameras are open."""


class CalibrationSession:
    """Cameras, board finder, solver, supervised. A context manager: entering starts everything.

    Not a thread: the owner calls ``poll`` often, from one thread.

    Args:
        rig: The devices.
        board: What is shown.
        folder: An existing folder where everything that is used is saved.
        config: Settings of solve and session.
        intrinsics: Gives the known lenses, once the cameras' sizes are known; None: all are estimated.
        earlier: Views of an interrupted session to go on with.
        on_state: Called from ``poll`` with each new state.
        log_level: Of the nodes' processes.

    Raises:
        BadInputError: Earlier views do not fit the rig.
    """

    def __init__(
        self,
        rig: RigConfig,
        board: Board,
        folder: Path,
        config: CalibrateConfig | None = None,
        *,
        intrinsics: IntrinsicsFor | None = None,
        earlier: BoardObservations | None = None,
        on_state: Callable[[CalibrationState], None] | None = None,
        log_level: str = "warning",
    ) -> None:
        self.rig = rig
        self.board = board
        self.folder = folder
        self.config = config or CalibrateConfig()
        self.state = CalibrationState()
        self.events: list[Report] = []
        self.floor: FoundFloor | None = None
        """Where the board lay on the floor, once it is solved and did."""

        self._intrinsics_for = intrinsics
        self._known: Mapping[str, Camera] = {}
        self._earlier = earlier
        self._on_state = on_state
        self._log_level = log_level
        self._temporary = tempfile.TemporaryDirectory(prefix="posestage-")
        self._endpoints = session_endpoints(Path(self._temporary.name))
        self._bus = Bus()
        self._found: Receiver | None = None
        self._supervisor: Supervisor | None = None
        self._solver = SolveProcess(log_level)
        self._keeper: ViewKeeper | None = None
        self._floor: FloorWatch | None = None
        self._trials: TrialRunner | None = None
        self._book = ProgressBook(rig.names)
        self._origin_ns = 0
        self._ended: set[str] = set()
        self._next_save = 0.0
        self._saved_instants = -1
        self._published = 0.0
        self._last_telemetry: dict[str, dict[str, Any]] = {}

    def start(self) -> None:
        """Start all processes, open all cameras, start the common clock.

        Raises:
            BadInputError: Something the user can mend: a camera in use, views of other cameras.
            PosestageError: A process failed to start.
        """
        self._found = self._bus.receiver(self._endpoints.records, _FOUND_QUEUE)
        self._supervisor = Supervisor(self._specs(), self._endpoints, self._hear, self._log_level)
        try:
            self._solver.warm_up()
            self._supervisor.start()
            sizes = picture_sizes(self.rig, self._supervisor)
            self._check_earlier(sizes)
            self._known = self._intrinsics_for(sizes) if self._intrinsics_for is not None else {}
            self._keeper = ViewKeeper(
                self.board,
                sizes,
                self.config.live,
                known_lenses=tuple(self._known),
                earlier=self._earlier,
            )
            self._book.start(self._keeper)
            live = self.config.live
            self._floor = FloorWatch(sizes, live.floor_still, live.floor_seconds)
            self._trials = TrialRunner(
                self._solver, live, frozenset(self._known), self._floor_counts and live.floor == "wanted"
            )
            self._origin_ns = time.monotonic_ns() + _ORIGIN_DELAY_NS
            self._supervisor.command(Command("go", {"origin_ns": self._origin_ns}), sticky=True)
        except BaseException:
            self.stop()
            raise
        self._publish("collecting")

    def poll(self, timeout_ms: int = 20) -> CalibrationState:
        """Hear everybody, keep views, try a solve when its time has come. Call often.

        Raises:
            BadInputError: The folder can no longer be written.
        """
        self._running().poll(timeout_ms)
        changed = self._take_views()
        keeper = self._collecting()
        if self._trials is not None:
            self._trials.care(keeper.instants, not keeper.missing(), lambda: self._request(trial=True))
        now = time.monotonic()
        if now >= self._next_save:
            self._next_save = now + self.config.live.save_every_s
            self.save()
        if changed or now - self._published > 0.5:
            self._publish("collecting")
        return self.state

    def solve(self, on_tick: Callable[[CalibrationState], None] | None = None) -> Calibration:
        """Stop filming, save, and calibrate with everything that was kept.

        Args:
            on_tick: Called while the solve goes on; may raise to call it off.

        Raises:
            BadInputError: The views cannot give a calibration; says what is missing.
            PosestageError: The solve failed for another reason.
        """
        self._stop_cameras()
        self.save()
        if self._solver.busy:  # a trial knows less than everything
            self._solver.cancel()
        self._solver.submit(self._request())
        answer: SolveAnswer | None = None
        try:
            while answer is None:
                answer = self._solver.poll(0.05)
                self._publish("solving")
                if on_tick is not None:
                    on_tick(self.state)
        except BaseException:
            self._solver.cancel()
            self._publish("cancelled")
            raise
        if answer.calibration is None:
            self._publish("failed")
            raise BadInputError(answer.failure) if answer.bad_input else PosestageError(answer.failure)
        self.floor = answer.floor
        if answer.floor is not None:
            self._remember_floor(answer.floor.stretch)
        self._publish("done")
        return answer.calibration

    def cancel(self) -> None:
        """Call everything off; what was kept is saved and can be gone on with."""
        self._solver.cancel()
        self._stop_cameras()
        self.save()
        self._publish("cancelled")

    def save(self) -> None:
        """Write all views kept so far, settings, and known lenses; nothing when nothing is new."""
        keeper = self._keeper
        if keeper is None or keeper.instants == self._saved_instants:
            return
        save_inputs(self.folder, keeper.observations, self.config, self._known)
        self._saved_instants = keeper.instants

    def mark_floor(self) -> None:
        """Say that the board lies on the floor: the stillness that is, or the next one, gives the world.

        Raises:
            BadInputError: The settings say something else about the world.
        """
        if not self._floor_counts or self._floor is None:
            raise BadInputError(
                "the board on the floor cannot give the world: the settings place it otherwise (world, "
                "live.floor), or there is one camera only"
            )
        self._floor.mark()

    def want_floor(self, wanted: bool) -> None:
        """Whether it is enough only after the board has lain on the floor."""
        if self._trials is not None:
            self._trials.want_floor(wanted and self._floor_counts)

    def _remember_floor(self, stretch: StillStretch) -> None:
        """Write into the settings when the board lay on the floor, so that a repeated solve knows."""
        start = min(view.time_ns for view in self.observations.views)
        floor_s = ((stretch.start_ns - start) / 1e9, (stretch.end_ns - start) / 1e9)
        self.config = self.config.model_copy(
            update={"world": self.config.world.model_copy(update={"floor_s": floor_s})}
        )
        save_inputs(self.folder, self.observations, self.config, self._known)

    @property
    def observations(self) -> BoardObservations:
        """All views kept so far."""
        return self._collecting().observations

    @property
    def keeper(self) -> ViewKeeper:
        """Coverage maps, refused views and the rest, for screens."""
        return self._collecting()

    @property
    def finished(self) -> bool:
        """Whether every camera has come to the end of its source."""
        return len(self._ended) == len(self.rig.cameras)

    def telemetry(self) -> dict[str, dict[str, Any]]:
        """The last numbers of every node."""
        return self._supervisor.telemetry() if self._supervisor is not None else self._last_telemetry

    def stop(self) -> None:
        """Stop all processes and free everything. Safe to call twice."""
        self._solver.close()
        self._stop_cameras()
        self._bus.close(linger_ms=0)
        self._temporary.cleanup()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _specs(self) -> list[NodeSpec]:
        settings = {"board": self.board, "cameras": self.rig.names, "rates_hz": frame_rates(self.rig)}
        return [
            NodeSpec(FINDER, BoardFinder, settings, stop_wave=1, takes_frames=True),
            *grabber_specs(self.rig),
        ]

    def _check_earlier(self, sizes: Mapping[str, tuple[int, int]]) -> None:
        if self._earlier is not None and dict(self._earlier.sizes) != dict(sizes):
            raise BadInputError(
                f"the views in {self.folder} are of other cameras or other picture sizes "
                f"({_words(self._earlier.sizes)}) than the rig has ({_words(sizes)}); start over "
                "(without --resume)"
            )

    def _hear(self, report: Report) -> None:
        if report.kind == "event":
            self.events.append(report)
            if report.details.get("what") == "end_of_stream":
                self._ended.add(report.node)

    def _take_views(self) -> bool:
        assert self._found is not None
        keeper = self._collecting()
        messages = self._found.receive_all()
        for message in messages:
            try:
                looked = unpack_looked(message)
            except WireError as error:
                log.warning("%s", error)
                continue
            views = [item.detection.view for item in looked if item.detection.view is not None]
            keeper.offer(views)
            if self._floor is not None:
                self._floor.watch(views)
            self._book.note(looked, keeper)
        return bool(messages)

    def _request(self, trial: bool = False) -> SolveRequest:
        still = self._stretches() if self._floor_counts else ()
        return SolveRequest(self.observations, dict(self._known) or None, self.config, still, trial)

    def _stretches(self) -> tuple[StillStretch, ...]:
        """Stretches of stillness, in the time of the kept views."""
        shift = self._collecting().shift_ns
        found = self._floor.stretches if self._floor is not None else []
        return tuple(StillStretch(one.start_ns + shift, one.end_ns + shift, one.marked) for one in found)

    @property
    def _floor_counts(self) -> bool:
        """Whether a board on the floor gives the world; not with one camera, nor where settings do."""
        return self.config.live.floor != "off" and self.config.world.is_open and len(self.rig.cameras) > 1

    def _publish(self, phase: Phase) -> None:
        keeper = self._keeper
        if keeper is None:
            return
        missing = (*self._book.obstacles(keeper), *keeper.missing())
        trial = self._trials.figures if self._trials is not None else None
        if not missing and trial is not None:
            missing = trial.missing
        self._published = time.monotonic()
        self.state = CalibrationState(
            phase=phase,
            seconds=max(0.0, (time.monotonic_ns() - self._origin_ns) / 1e9),
            cameras=self._book.cameras(self._rings()),
            kept_instants=keeper.instants,
            kept_views=sum(keeper.views_of(name) for name in self.rig.names),
            shared=keeper.shared,
            weakest=keeper.weakest_pair(),
            missing=missing,
            trial=trial,
            still=self._stretches(),
            floor_wanted=self._floor is not None and self._floor.waiting,
            enough=not missing and trial is not None,
            solving=(self._solver.share, self._solver.stage) if phase == "solving" else (0.0, ""),
            wanted=self.config.live,
        )
        if self._on_state is not None:
            self._on_state(self.state)

    def _rings(self) -> dict[str, str]:
        """Camera to the name of its ring, while it films."""
        if self._supervisor is None:
            return {}
        found = {name: self._supervisor.details(grabber_name(name)) for name in self.rig.names}
        return {name: str(details["ring"]) for name, details in found.items() if "ring" in details}

    def _stop_cameras(self) -> None:
        if self._supervisor is not None:
            self._supervisor.stop()
            self._last_telemetry = self._supervisor.telemetry()
            self._supervisor = None

    def _collecting(self) -> ViewKeeper:
        if self._keeper is None:
            raise PosestageError("the calibration has not started")
        return self._keeper

    def _running(self) -> Supervisor:
        if self._supervisor is None:
            raise PosestageError("the cameras of this calibration are not running")
        return self._supervisor


def _words(sizes: Mapping[str, tuple[int, int]]) -> str:
    return ", ".join(f"{name} {width}x{height}" for name, (width, height) in sizes.items())
