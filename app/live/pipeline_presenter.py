"""Decides about pipelines: which there are, which one runs, what it lacks, how to get it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from PyQt6.QtCore import QObject, pyqtSignal

from app.background_job import BackgroundJob
from app.live.jobs import fetch_models
from app.session.pipelines import AUTO, NONE, missing_models, resolve
from app.studio import Studio
from configs.errors import PosestageError
from models.triangulation.predictors.base import UNTRAINED
from models.zoo.imported import imported_names
from models.zoo.manifest import ModelEntry
from pipeline.estimation.assumed_calibration import can_assume
from pipeline.estimation.pipeline_config import PIPELINE_FOLDER, PipelineConfig, load_pipeline, pipeline_names

PARTS: Final = ("network", "centre_network")


@dataclass(frozen=True)
class Choice:
    """One entry of the list.

    Attributes:
        name: For ``Studio.use_pipeline``.
        title: Shown.
        description: Shown below the list when chosen.
    """

    name: str
    title: str
    description: str


class PipelinePresenter(QObject):
    """What the panel of pipelines shows is read from here after every ``changed``.

    Attributes:
        problem: Why the chosen pipeline does not run, in words; empty when it does.
        fetching: Whether models are being fetched.
        progress: Share fetched, below 0 while unknown, and what is being done.
        fetch_problem: Why the last fetch failed.
    """

    changed = pyqtSignal()

    def __init__(
        self,
        studio: Studio,
        make_job: Callable[..., BackgroundJob] = BackgroundJob,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._studio = studio
        self._make_job = make_job
        self._job: BackgroundJob | None = None
        self._parsed: dict[Path, tuple[float, PipelineConfig | str]] = {}
        self.problem = ""
        self.fetch_problem = ""
        self.progress = (-1.0, "")
        self._trouble = ""
        studio.pipeline_changed.connect(self.changed)
        studio.rig_changed.connect(self.changed)
        studio.calibration_changed.connect(self.changed)
        studio.session.pipeline_state_changed.connect(self._hear_state)
        studio.session.telemetry.connect(self._hear_numbers)
        studio.session.recording_changed.connect(lambda _: self.changed.emit())
        studio.session.state_changed.connect(lambda _: self.changed.emit())

    # What there is

    def choices(self) -> list[Choice]:
        """Everything that can be chosen; files that were added since the last call are there."""
        best = self.effective_of(AUTO)
        known = [
            Choice(AUTO, "Automatic", f"The best that is ready here: {_title(best)}."),
            Choice(NONE, "No poses", "Cameras only. Poses can be made from the take later."),
        ]
        known += [Choice(name, _title(name), self._description(name)) for name in pipeline_names()]
        if self.chosen not in {choice.name for choice in known}:
            known.append(Choice(self.chosen, Path(self.chosen).name, self._description(self.chosen)))
        return known

    @property
    def chosen(self) -> str:
        """Name of the choice."""
        return self._studio.pipeline

    def effective_of(self, name: str) -> str:
        """What a choice means on this rig; without a calibration there are no poses."""
        rig, calibration = self._studio.rig, self._studio.calibration
        if rig is None:
            return NONE
        meant = resolve(name, rig, calibration)
        return NONE if calibration is None and not self._needs_none(meant) else meant

    @property
    def effective(self) -> str:
        """What will run."""
        return self.effective_of(self.chosen)

    @property
    def needs_calibration(self) -> bool:
        """Whether poses are wanted but the cameras are not calibrated."""
        uncalibrated = self._studio.rig is not None and self._studio.calibration is None
        return self.chosen != NONE and uncalibrated and not self._needs_none(self.chosen)

    @property
    def description(self) -> str:
        """Of the choice."""
        return next(choice.description for choice in self.choices() if choice.name == self.chosen)

    @property
    def missing(self) -> dict[str, ModelEntry]:
        """Models that the choice needs and that must be fetched first."""
        name = self.effective if self.chosen == AUTO else self.chosen
        config = self._config(name) if name != NONE else None
        return missing_models(config) if isinstance(config, PipelineConfig) else {}

    @property
    def locked(self) -> str:
        """Why the choice cannot change now; empty when it can."""
        return "A take has one pipeline from start to end." if self._studio.session.recording else ""

    @property
    def state(self) -> tuple[str, str]:
        """Level and words about what runs."""
        session = self._studio.session
        if session.state != "live":
            return "quiet", ""
        if session.pipeline_state == "loading":
            return "quiet", f"Loading {_title(session.pipeline)} … the cameras go on meanwhile"
        if session.pipeline_state == "ready" and self._trouble:
            return "bad", f"{_title(session.pipeline)} {self._trouble}"
        if session.pipeline_state == "ready":
            return "good", f"{_title(session.pipeline)} runs"
        if session.pipeline_state == "failed":
            return "bad", self.problem
        return "quiet", "No poses are made"

    # Networks

    def weights_of(self, part: str) -> str | None:
        """Weights chosen for ``network`` or ``centre_network``; None where the pipeline has no such part."""
        settings = self._part(part)
        if settings is None:
            return None
        chosen: str | None = self._remembered().get(self.chosen, {}).get(part)
        return chosen or str(settings.get("weights", UNTRAINED))

    def weights_choices(self, part: str) -> list[str]:
        """Networks that were imported, what the file says, and untrained."""
        settings = self._part(part) or {}
        names = [UNTRAINED, str(settings.get("weights", UNTRAINED)), *imported_names()]
        return list(dict.fromkeys(names))

    def choose_weights(self, part: str, weights: str) -> None:
        """Use other weights, now and next time."""
        if weights == self.weights_of(part):
            return
        remembered = self._remembered()
        remembered[self.chosen] = {**remembered.get(self.chosen, {}), part: weights}
        pages = self._studio.preferences.pages
        pages["live"] = {**pages.get("live", {}), "weights": remembered}
        self._studio.preferences.save()
        self.apply()

    @property
    def overrides(self) -> tuple[str, ...]:
        """Settings over the pipeline's file."""
        chosen = {part: self.weights_of(part) for part in PARTS}
        weights = tuple(f"{part}.weights={name}" for part, name in chosen.items() if name is not None)
        return (*self._studio.pipeline_settings.get(self.chosen, ()), *weights)

    # What the user does

    def choose(self, name: str) -> None:
        """Make poses this way from now on."""
        if name == self.chosen or self.locked:
            self.changed.emit()
            return
        self.fetch_problem = ""
        self._studio.use_pipeline(name)
        self.apply()

    def apply(self) -> None:
        """Have the running session do what is chosen."""
        session = self._studio.session
        if session.state == "live" and not session.recording:
            self.problem = ""
            session.set_pipeline(NONE if self.missing else self.effective, self.overrides)
        self.changed.emit()

    def fetch(self) -> None:
        """Get the missing models; the user has seen their licences."""
        missing = tuple(self.missing)
        if self.fetching or not missing:
            return
        self.fetch_problem, self.progress = "", (-1.0, "Starting …")
        job = self._job = self._make_job(fetch_models, missing)
        job.progress.connect(self._hear_progress)
        job.done.connect(lambda _: self._fetched())
        job.failed.connect(self._fetch_failed)
        job.cancelled.connect(lambda: self._fetch_failed(""))
        job.start()
        self.changed.emit()

    @property
    def fetching(self) -> bool:
        """Whether models are being fetched."""
        return self._job is not None

    def cancel_fetch(self) -> None:
        """Call the fetch off; what has arrived is kept for the next one."""
        if self._job is not None:
            self._job.cancel()

    def shutdown(self) -> None:
        """End the fetch."""
        job = self._job
        if job is not None:
            job.cancel()
            job.wait()

    # What happens

    def _fetched(self) -> None:
        self._job = None
        self._studio.say("good", "The model is here.")
        self.apply()

    def _fetch_failed(self, why: str) -> None:
        self._job = None
        self.fetch_problem = why
        self.changed.emit()

    def _hear_progress(self, share: float, what: str) -> None:
        self.progress = (share, what)
        self.changed.emit()

    def _hear_state(self, state: str, why: str) -> None:
        if state == "failed":
            self.problem = why
        elif state in {"ready", "loading"}:
            self.problem = ""
        self.changed.emit()

    def _hear_numbers(self, telemetry: Mapping[str, Mapping[str, Any]]) -> None:
        """A node that died and is coming back says so in its numbers."""
        trouble = str(telemetry.get("inference", {}).get("problem", "")).partition(": ")[2]
        if trouble != self._trouble:
            self._trouble = trouble
            self.changed.emit()

    # Files

    def _needs_none(self, name: str) -> bool:
        """Whether a pipeline makes poses on this rig without a calibration."""
        rig, config = self._studio.rig, self._config(name) if name not in {AUTO, NONE} else None
        return rig is not None and isinstance(config, PipelineConfig) and can_assume(rig, config)

    def _part(self, part: str) -> dict[str, Any] | None:
        config = self._config(self.chosen) if self.chosen not in {AUTO, NONE} else None
        return getattr(config, part) if isinstance(config, PipelineConfig) else None

    def _remembered(self) -> dict[str, dict[str, str]]:
        weights = self._studio.preferences.pages.get("live", {}).get("weights", {})
        return dict(weights) if isinstance(weights, dict) else {}

    def _description(self, name: str) -> str:
        config = self._config(name)
        return config if isinstance(config, str) else (config.description or "No description.")

    def _config(self, name: str) -> PipelineConfig | str:
        """The pipeline, or what is wrong with its file; read again when the file has changed."""
        own = Path(name)
        path = own if own.suffix in {".yaml", ".yml"} else PIPELINE_FOLDER / f"{name}.yaml"
        try:
            changed = path.stat().st_mtime
        except OSError:
            changed = -1.0
        known = self._parsed.get(path)
        if known is None or known[0] != changed:
            try:
                known = (changed, load_pipeline(name))
            except PosestageError as error:
                known = (changed, str(error))
            self._parsed[path] = known
        return known[1]


def _title(name: str) -> str:
    if name == NONE:
        return "no poses"
    return Path(name).stem.replace("_", " ")
