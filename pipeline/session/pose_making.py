"""How a session makes poses: the pipeline whose models run, the one being loaded, and what both need."""

from __future__ import annotations

from typing import Any, Final

from calibration.assumed_camera import assumed_calibration, assumption, with_place
from calibration.rig import Rig
from configs.errors import PosestageError, bad_input
from pipeline.estimation.assumed_calibration import assumed_for, can_assume, joined_labels
from pipeline.estimation.pipeline_config import PipelineConfig
from pipeline.estimation.stand_in import fit_to_studio
from pipeline.processes.inference import Inference
from pipeline.processes.node import Endpoints
from pipeline.processes.rig_nodes import frame_rates, picture_sizes
from pipeline.processes.supervisor import NodeSpec, Supervisor, failure_of
from pipeline.rigs.rig_config import RigConfig
from pipeline.wire.messages import Report

INFERENCE: Final = "inference"
"""Name of the node that makes poses."""

_LOAD_DEADLINE_S: Final = 300.0
"""Networks may have to be compiled first."""


class PoseMaking:
    """What makes poses now, what is to make them next, and why that failed.

    Args:
        rig: The devices.
        calibration: Geometry of all cameras of the rig; see ``Session`` for when it may be left out.
        pipeline: From frames to poses, or None.
        label: What a viewer must be told before believing the poses; empty: what the pipeline says of itself.

    Attributes:
        calibration: Geometry of the rig's cameras, in its order; given, or assumed.
        pipeline: The pipeline that is ready, or will be when the session has started; None: no poses.
        label: What a viewer must be told before believing its poses.
        loading: The pipeline that is being started in place of the last one.

    Raises:
        BadInputError: Rig, calibration and pipeline do not fit each other.
    """

    def __init__(
        self, rig: RigConfig, calibration: Rig | None, pipeline: PipelineConfig | None, label: str
    ) -> None:
        self._rig = rig
        self.calibration = with_place(calibration.subset(rig.names)) if calibration is not None else None
        self.pipeline = self._checked(pipeline, None)
        self.label = label or self._label_of(pipeline)
        self.loading: PipelineConfig | None = None
        self._details: dict[str, Any] = {}
        self._failure: Report | None = None

    @property
    def address(self) -> str:
        """Where other programs can subscribe to the poses; empty: nowhere."""
        return str(self._details.get("published", "")) if self.pipeline is not None else ""

    @property
    def model_hashes(self) -> dict[str, dict[str, str]]:
        """By model: SHA-256 of each of its files."""
        models = self._details["models"] if self.pipeline is not None else {}
        return {model["name"]: model["sha256"] for model in models.values()}

    @property
    def skeleton(self) -> str | None:
        """Name of the skeleton of the poses."""
        return self._details["skeleton"] if self.pipeline is not None else None

    def take_failure(self) -> PosestageError | None:
        """Why the last pipeline could not be loaded; told once."""
        report, self._failure = self._failure, None
        return failure_of(report) if report is not None else None

    def begin(self, pipeline: PipelineConfig | None, supervisor: Supervisor) -> None:
        """There are no poses any more until ``pipeline`` is loaded.

        Raises:
            BadInputError: It needs a calibration, or does not fit the rig; nothing has changed then.
        """
        pipeline = self._checked(pipeline, supervisor)
        self._failure = None
        self._details = {}
        self.pipeline, self.label = None, ""
        self.loading = pipeline

    def hear(self, report: Report) -> None:
        """What the node said of itself."""
        if report.kind not in {"ready", "failed"}:
            return
        loaded, self.loading = self.loading, None
        if report.kind == "ready":
            # Kept: a node that is being restarted has not said anything yet.
            self._details = report.details
            if loaded is not None:
                self.pipeline, self.label = loaded, self._label_of(loaded)
        elif loaded is not None:
            self._failure = report

    def spec(self, endpoints: Endpoints) -> NodeSpec | None:
        """The node that makes poses, or will; None: there is to be none."""
        pipeline = self.loading or self.pipeline
        if pipeline is None or self.calibration is None:
            return None
        return NodeSpec(
            INFERENCE,
            Inference,
            {"pipeline": pipeline, "rig": self.calibration, "rates_hz": frame_rates(self._rig)},
            stop_wave=1,
            start_within_s=_LOAD_DEADLINE_S,
            takes_frames=True,
            endpoints=endpoints,
        )

    def check_sizes(self, supervisor: Supervisor) -> None:
        """Compare what the cameras deliver with what they are calibrated for.

        Raises:
            BadInputError: They differ.
        """
        if self.calibration is None:
            return
        sizes = picture_sizes(self._rig, supervisor)
        for camera in self.calibration.cameras:
            size = sizes[camera.name]
            if size != camera.size:
                raise bad_input(
                    f'camera "{camera.name}" delivers {size[0]}x{size[1]} but is calibrated for '
                    f"{camera.size[0]}x{camera.size[1]}",
                    hint="set the calibrated size in the rig, or calibrate again",
                )

    def _checked(
        self, pipeline: PipelineConfig | None, supervisor: Supervisor | None
    ) -> PipelineConfig | None:
        """The pipeline as it suits the rig; a missing calibration is assumed where that is possible."""
        if pipeline is None:
            return None
        if self.calibration is None and can_assume(self._rig, pipeline):
            if supervisor is None:
                self.calibration = assumed_for(self._rig)
            else:
                ((name, size),) = picture_sizes(self._rig, supervisor).items()
                self.calibration = assumed_calibration(name, size)
        if self.calibration is None:
            raise bad_input(
                f'pipeline "{pipeline.name}" needs calibrated cameras; rig "{self._rig.name}" has no '
                "calibration",
                hint="give one with --calibration FILE or record without poses with --pipeline none",
            )
        return fit_to_studio(pipeline, self._rig)

    def _label_of(self, pipeline: PipelineConfig | None) -> str:
        """What a viewer must be told before believing the poses; empty where there is nothing."""
        if pipeline is None:
            return ""
        return joined_labels(pipeline.label, assumption(self.calibration))
