"""Real disks that are small or slow, for as long as a with-block; Linux with an administrator only."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

THROTTLE: Final = Path("/sys/fs/cgroup/blkio/blkio.throttle.write_bps_device")


class CannotMountError(Exception):
    """This machine does not let us make such a disk; says why."""


@contextlib.contextmanager
def small_disk(folder: Path, size: int) -> Iterator[Path]:
    """A file system in memory of ``size`` bytes, mounted at ``folder``.

    Raises:
        CannotMountError: Not here.
    """
    folder.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder))
    try:
        yield folder
    finally:
        _unmount(folder)


class SlowDisk:
    """A disk whose writing speed can be limited while it is used.

    Attributes:
        folder: Where it is mounted.
    """

    def __init__(self, folder: Path, device: str) -> None:
        self.folder = folder
        self._device = device

    def limit(self, bytes_per_second: int) -> None:
        """Let it write so fast; 0: as fast as it can."""
        status = Path(self._device).stat().st_rdev
        THROTTLE.write_text(f"{os.major(status)}:{os.minor(status)} {bytes_per_second}\n")


@contextlib.contextmanager
def slow_disk(folder: Path, image: Path, size: int) -> Iterator[SlowDisk]:
    """An ext4 file system in the file ``image``, on a loop device that the block layer slows down.

    Mounted so that each write waits for the disk: otherwise the system's own cache, a fifth of the memory,
    would have to fill up before anybody notices.

    Raises:
        CannotMountError: Not here.
    """
    if not os.access(THROTTLE, os.W_OK):
        raise CannotMountError(f"{THROTTLE} is not there or not ours: no way to slow a disk down")
    folder.mkdir()
    with image.open("wb") as stream:
        stream.truncate(size)
    _run("mkfs.ext4", "-q", str(image))
    device = _run("losetup", "--find", "--show", str(image)).strip()
    try:
        _run("mount", "-o", "sync", device, str(folder))
        disk = SlowDisk(folder, device)
        try:
            yield disk
        finally:
            disk.limit(0)
            _unmount(folder)
    finally:
        _run("losetup", "--detach", device)


def resize(folder: Path, *, leave: int) -> None:
    """Let a disk of ``small_disk`` have ``leave`` bytes free from this moment on."""
    used = shutil.disk_usage(folder).used
    _run("mount", "-o", f"remount,size={used + leave}", str(folder))


def _run(*command: str) -> str:
    if shutil.which(command[0]) is None:
        raise CannotMountError(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotMountError(f"{' '.join(command)}: {done.stderr.strip()}")
    return done.stdout


def _unmount(folder: Path) -> None:
    done = subprocess.run(["umount", str(folder)], check=False)
    if done.returncode:  # somebody still looks: let go as soon as that ends
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
