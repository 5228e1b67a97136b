"""Interpreter, processor, memory and disk."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from app.doctor.check import Finding

GIB = 1 << 30

RECORDING_BYTES_PER_S = 4 * 27.8e6 / 8
"""Four 1280x720 cameras at 30 fps as JPEG of quality 90: 27.8 Mbit/s each, measured on simulated pictures."""

RING_BYTES = 66_400_000
"""Shared memory of four 1280x720 cameras: six pictures of 2.76 MB each."""


def machine(takes: Path, models: Path) -> Iterator[Finding]:
    """Checks that need nothing but the operating system.

    Args:
        takes: Folder that recordings go to.
        models: Folder of fetched models.
    """
    yield python()
    yield cpu()
    yield memory()
    yield disk("disk for takes", takes, wanted=10 * GIB, least=1 * GIB)
    yield disk("disk for models", models, wanted=GIB // 2, least=GIB // 16)
    yield shared_memory(Path("/dev/shm"))


def python() -> Finding:
    """Version of the interpreter and where it lives."""
    in_environment = sys.prefix != sys.base_prefix
    found = f"Python {platform.python_version()} on {platform.platform(terse=True)}, {sys.prefix}"
    if in_environment:
        return Finding("python", "ok", found)
    return Finding(
        "python", "warn", f"{found}, no virtual environment", 'run "make setup" and use .venv/bin/python'
    )


def cpu() -> Finding:
    """Cores this process may use."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    found = f"{cores} core{'s' if cores > 1 else ''}, {_cpu_name()}"
    if cores >= 2:
        return Finding("cpu", "ok", found)
    return Finding(
        "cpu", "warn", found, "use two cores or more: capture and pose estimation run side by side"
    )


def memory() -> Finding:
    """Free main memory."""
    state = psutil.virtual_memory()
    found = f"{state.available / GIB:.1f} of {state.total / GIB:.1f} GiB free"
    if state.available >= 2 * GIB:
        return Finding("memory", "ok", found)
    return Finding("memory", "warn", found, "close other programs: live capture wants 2 GiB free")


def disk(name: str, folder: Path, *, wanted: int, least: int) -> Finding:
    """Space and permission to write where ``folder`` is or would be made."""
    here = folder.expanduser().absolute()
    while not here.exists():
        here = here.parent
    if not os.access(here, os.W_OK | os.X_OK):
        return Finding(
            name, "fail", f"{here} cannot be written to", f"choose another folder, or: chmod u+w {here}"
        )
    free = shutil.disk_usage(here).free
    found = f"{free / GIB:.1f} GiB free in {folder}"
    if name == "disk for takes":
        found += f", about {free / RECORDING_BYTES_PER_S / 3600:.0f} h of four 1280x720 cameras at 30 fps"
    if free >= wanted:
        return Finding(name, "ok", found)
    return Finding(name, "warn" if free >= least else "fail", found, f"free some space below {here}")


def shared_memory(folder: Path) -> Finding:
    """The memory file system that pictures travel through (Linux only)."""
    if not folder.is_dir():
        if platform.system() == "Linux":
            return Finding("shared memory", "fail", f"{folder} is missing", "mount a tmpfs there")
        return Finding("shared memory", "ok", f"managed by {platform.system()}")
    usage = shutil.disk_usage(folder)
    found = f"{usage.free / 1e6:.0f} of {usage.total / 1e6:.0f} MB free in {folder}"
    if usage.free >= RING_BYTES:
        return Finding("shared memory", "ok", found)
    step = "in a container start with --shm-size=1g, elsewhere: mount -o remount,size=1G /dev/shm"
    return Finding(
        "shared memory", "warn", f"{found}; four 1280x720 cameras want {RING_BYTES / 1e6:.0f} MB", step
    )


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
