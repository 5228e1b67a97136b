"""Webcams whose cables can be pulled while ``launch.py`` films them: a program in its place.

Everything above the system calls of Video4Linux2 is the real thing, in the processes of a real capture. What
happens to a camera is said by files in a folder that stands for ``/dev``; its path is in the environment.
"""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from pathlib import Path
from typing import Any, Final

from app.cli.main import main
from pipeline.drivers import discovery, v4l2
from tests.support.fake_webcam import FakeWebcam

FOLDER: Final = "POSESTAGE_TEST_WEBCAMS"
BY_ID: Final = Path("v4l/by-id")


class Webcams:
    """The folder, from outside: ``cam1``, ``cam2``, ... are names that stay the same."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder = folder
        (folder / BY_ID).mkdir(parents=True)
        self._plugged = 0
        for number in range(1, count + 1):
            self.plug_in(f"cam{number}")

    def plug_in(self, camera: str) -> None:
        """It gets another device file each time."""
        node = self.folder / f"video{self._plugged}"
        self._plugged += 1
        node.touch()
        (self.folder / BY_ID / camera).symlink_to(node)

    def pull_out(self, camera: str) -> None:
        """The cable is out."""
        link = self.folder / BY_ID / camera
        link.resolve().unlink()
        link.unlink()

    def set(self, camera: str, what: str, value: str = "1") -> None:
        """Begin something: ``stalled``, ``damaged``, ``cut_short``, or ``clock`` with ns."""
        node = (self.folder / BY_ID / camera).resolve()
        written = node.with_name(f"new-{node.name}.{what}")
        written.write_text(value)
        written.rename(node.with_name(f"{node.name}.{what}"))

    def clear(self, camera: str, what: str) -> None:
        """End it."""
        node = (self.folder / BY_ID / camera).resolve()
        node.with_name(f"{node.name}.{what}").unlink()


class FileWebcam(FakeWebcam):
    """A webcam to which happens what the files beside its device file say."""

    def __init__(self) -> None:
        super().__init__()
        self._node: Path | None = None

    def open(self, path: str) -> int:
        self._node = Path(path)
        self._look()
        return super().open(path)

    def wait(self, descriptor: int, timeout_s: float) -> bool:
        self._look()
        return super().wait(descriptor, timeout_s)

    def ioctl(self, descriptor: int, request: int, argument: Any) -> None:
        self._look()
        super().ioctl(descriptor, request, argument)

    def _look(self) -> None:
        assert self._node is not None
        if not self._node.exists():
            self.open_descriptors.clear()
            raise OSError(errno.ENODEV, "gone")
        self.stalled = self._is("stalled")
        next_one = self._sequence + 1
        self.damaged = set(range(next_one, next_one + 100)) if self._is("damaged") else set()
        self.cut_short = set(range(next_one, next_one + 100)) if self._is("cut_short") else set()
        self.clock_offset_ns = 0
        with contextlib.suppress(FileNotFoundError):
            self.clock_offset_ns = int(self._file("clock").read_text())

    def close(self, descriptor: int) -> None:
        self.open_descriptors.discard(descriptor)

    def _is(self, what: str) -> bool:
        return self._file(what).exists()

    def _file(self, what: str) -> Path:
        assert self._node is not None
        return self._node.with_name(f"{self._node.name}.{what}")


if FOLDER in os.environ:  # also in the processes that the pipeline spawns: they import this file
    v4l2.KERNEL = FileWebcam()  # type: ignore[misc]
    discovery.DEV = Path(os.environ[FOLDER])

if __name__ == "__main__":
    sys.exit(main())
