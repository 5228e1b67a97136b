"""A real ``launch.py capture`` of simulated cameras, and what can be done to its processes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final, Self

import psutil
import yaml

from pipeline.take.take import Take

ROOT: Final = Path(__file__).resolve().parents[2]
CAMERAS: Final = 4
START_S: Final = 120.0
"""A busy machine needs its time to start seven processes."""
END_S: Final = 120.0

NODES: Final = ("recorder", "inference", *(f"grabber-cam{number}" for number in range(1, CAMERAS + 1)))


class FaultyCapture:
    """Four simulated cameras that are recorded; a context manager that leaves no process behind.

    Args:
        folder: Gets the rig, what the program says, and the take.
        seconds: How long to record.
        size: Of the pictures; small ones leave the processor to what is tested.
        fps: Of the cameras.
        take: Where the take goes, when not into ``folder``.
        pipeline: From frames to poses; "none" for none.
        address: Where poses are published.
        loud: Whether the capture goes before other programs of this machine (needs the administrator).
        driver: Of the cameras; simulated ones when not given. ``NAME`` in it stands for the camera's name.
        program: To be started instead of ``launch.py``: a module.
        environment: More of it for the program.
    """

    def __init__(
        self,
        folder: Path,
        seconds: float,
        *,
        size: tuple[int, int] = (128, 96),
        fps: float = 20.0,
        take: Path | None = None,
        pipeline: str = "noisy_truth",
        address: str = "",
        loud: bool = False,
        driver: dict[str, Any] | None = None,
        program: str = "",
        environment: dict[str, str] | None = None,
    ) -> None:
        self.take = take or folder / "take"
        self.fps = fps
        self._patience_s = seconds + END_S
        self._said = folder / "said.txt"
        self._result = folder / "result.json"
        rig = folder / "rig.yaml"
        if driver is None:
            driver = {"type": "simulated", "studio": {"seed": 0, "cameras": CAMERAS}}
        cameras = [
            {
                "name": f"cam{number}",
                "driver": {
                    key: value.replace("NAME", f"cam{number}") if isinstance(value, str) else value
                    for key, value in driver.items()
                },
                "size": list(size),
                "fps": fps,
            }
            for number in range(1, CAMERAS + 1)
        ]
        rig.write_text(yaml.safe_dump({"version": 1, "name": "four", "cameras": cameras}), encoding="utf-8")
        command = [
            sys.executable,
            *(["-m", program] if program else [str(ROOT / "launch.py")]),
            "capture",
            *("--rig", str(rig), "--seconds", str(seconds), "--out", str(self.take)),
            *("--pipeline", pipeline, "--set", f"stream.address='{address}'", "--no-report", "--json"),
        ]
        if pipeline == "none":
            del command[command.index("--set") : command.index("--set") + 2]
        threads = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}
        with self._said.open("wb") as said, self._result.open("wb") as result:
            self.process = subprocess.Popen(
                command,
                cwd=ROOT,
                stdout=result,
                stderr=said,
                env={**os.environ, **threads, **(environment or {})},
            )
        if loud:
            os.setpriority(os.PRIO_PROCESS, self.process.pid, -5)
        self._nodes: dict[str, psutil.Process] = {}

    @property
    def said(self) -> str:
        """What the program has said so far."""
        return self._said.read_text(encoding="utf-8", errors="replace")

    def wait_until_recording(self) -> None:
        """Until every camera has lines in its ledger."""
        deadline = time.monotonic() + START_S
        ledgers = [self.take / "ledger" / f"cam{number}.csv" for number in range(1, CAMERAS + 1)]
        while not all(path.is_file() and path.stat().st_size > 200 for path in ledgers):
            assert self.process.poll() is None, self.said
            assert time.monotonic() < deadline, self.said
            time.sleep(0.02)

    def node(self, name: str) -> psutil.Process:
        """The process of a node, or of the program itself (``supervisor``)."""
        program = psutil.Process(self.process.pid)
        if name == "supervisor":
            return program
        for child in program.children():
            try:
                if child.name() == name[:15] and child.status() != psutil.STATUS_ZOMBIE:
                    return child
            except psutil.NoSuchProcess:
                continue
        raise AssertionError(f"there is no process {name}: {self.said}")

    def children(self) -> list[psutil.Process]:
        """All processes of the nodes."""
        return [child for child in psutil.Process(self.process.pid).children() if child.name() in NODES]

    def wait_until_ended(self, others: list[psutil.Process]) -> int:
        """Until the program and ``others`` have ended by themselves; the exit code."""
        code = self.process.wait(self._patience_s)
        _, alive = psutil.wait_procs(others, timeout=30.0)
        assert not alive, f"still running: {[process.name() for process in alive]}"
        return code

    def result(self) -> dict[str, Any]:
        """The last line of standard output."""
        lines = self._result.read_text(encoding="utf-8").strip().splitlines()
        assert lines, self.said
        found: dict[str, Any] = json.loads(lines[-1])
        return found

    def events(self, kind: str) -> list[Any]:
        """Events of the take."""
        return [event for event in Take.open(self.take).events() if event.kind == kind]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            own = psutil.Process(self.process.pid)
            for process in [*own.children(recursive=True), own]:
                with_suppressed_kill(process)
        self.process.wait(10)


def with_suppressed_kill(process: psutil.Process) -> None:
    """End a process that may have ended already."""
    try:
        process.send_signal(signal.SIGCONT)
        process.kill()
    except psutil.NoSuchProcess:
        pass
