"""The whole live pipeline, measured: simulated cameras, transport, inference, recording, on this machine."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from models.simulation.studio import warm_up
from pipeline.estimation.pipeline_config import load_pipeline
from pipeline.processes.rig_nodes import grabber_name
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of
from pipeline.session.live import run_session
from pipeline.session.session import Session


def benchmark_pipeline(
    *,
    cameras: int = 4,
    size: tuple[int, int] = (640, 480),
    fps: float = 30.0,
    seconds: float = 10.0,
    pipeline: str = "blazepose",
    record: bool = True,
) -> dict[str, Any]:
    """Run the simulated studio for a while and report rates, latency and CPU by process.

    Args:
        cameras: Virtual cameras.
        size: (width, height) px.
        fps: Frames per second of each camera.
        seconds: How long to measure, after everything has started.
        pipeline: Name of the pipeline.
        record: Whether a take is written meanwhile (to a temporary folder).

    Returns:
        fps and drops by camera, poses per second, latency and stage times as p50/p95/p99, CPU in cores by
        node.
    """
    rig = simulated_rig(cameras, size, fps, 0)
    config = load_pipeline(pipeline, ("stream.address=''",))
    if config.keypoints["type"] == "noisy_truth":
        studio_settings = {"size": list(size), **rig.cameras[0].driver["studio"]}
        config = config.model_copy(update={"keypoints": {**config.keypoints, "studio": studio_settings}})
    warm_up()
    studio = studio_of(rig)
    assert studio is not None
    nodes = ["inference", "recorder", *(grabber_name(name) for name in rig.names)]
    with tempfile.TemporaryDirectory(prefix="posestage-benchmark-") as temporary:
        folder = Path(temporary) / "take" if record else None
        with Session(rig, studio_calibration(rig, studio), config) as session:
            processes = {name: psutil.Process(session.pid(name)) for name in nodes}
            before = {name: _cpu_s(process) for name, process in processes.items()}
            started = time.monotonic()
            cpu: dict[str, float] = {}

            def measure(elapsed: float, poses: Any) -> bool:
                if elapsed >= seconds - 0.1 and not cpu:
                    wall = time.monotonic() - started
                    cpu.update(
                        {name: (_cpu_s(process) - before[name]) / wall for name, process in processes.items()}
                    )
                return True

            live = run_session(session, folder, seconds=seconds, on_tick=measure)
    inference = live.telemetry["inference"]
    grabbers = {values["camera"]: values for values in live.telemetry.values() if "camera" in values}
    return {
        "cameras": cameras,
        "size": list(size),
        "fps_asked": fps,
        "pipeline": pipeline,
        "recording": record,
        "capture_fps": {name: values["fps_overall"] for name, values in grabbers.items()},
        "capture_drops": {name: values["inference_drops"] for name, values in grabbers.items()},
        "recording_drops": {name: values["recording_drops"] for name, values in grabbers.items()},
        "poses_per_s": inference["fps_overall"],
        "latency_ms": inference["latency_ms"],
        "stage_ms": inference["stage_ms"],
        "delivery_ms": {name: values["delivery_ms"] for name, values in grabbers.items()},
        "set_drops": inference["drops"],
        "cores": {name: round(value, 3) for name, value in cpu.items()},
    }


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
