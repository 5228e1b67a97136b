"""Cameras plugged in here, and graphics processors."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from app.doctor.check import Finding


def devices() -> Iterator[Finding]:
    """Everything plugged in."""
    yield video_devices(Path("/dev"))
    yield gpu()


def video_devices(folder: Path) -> Finding:
    """Video devices and whether this user may open them (Linux)."""
    if not sys.platform.startswith("linux"):
        return Finding("cameras", "ok", "not listed on this system; see: launch.py cameras --probe")
    nodes = sorted(folder.glob("video[0-9]*"))
    if not nodes:
        step = "plug one in, use network cameras or videos, or try: launch.py demo"
        return Finding("cameras", "warn", f"no video device in {folder}", step)
    closed = [node for node in nodes if not os.access(node, os.R_OK | os.W_OK)]
    if closed:
        names = ", ".join(node.name for node in closed)
        step = "sudo usermod -aG video $USER, then log in again"
        return Finding("cameras", "warn", f"no permission to open {names}", step)
    return Finding("cameras", "ok", ", ".join(node.name for node in nodes))


def gpu() -> Finding:
    """NVIDIA driver and, where torch is installed, whether it sees the device. None is needed so far."""
    listing = _nvidia()
    if find_spec("torch") is None:
        return Finding("gpu", "ok", f"{listing or 'no NVIDIA GPU'}; none is needed, torch is not installed")
    # In another process: importing torch takes seconds and a broken driver may end the process.
    program = "import sys, torch; sys.stdout.write(f'{torch.__version__} {torch.cuda.is_available()}')"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines()
        return Finding(
            "gpu", "warn", f"torch does not start: {lines[-1] if lines else ''}", "reinstall torch"
        )
    torch_version, sees_cuda = done.stdout.split()
    found = f"{listing or 'no NVIDIA GPU'}, torch {torch_version}"
    if listing and sees_cuda == "False":
        return Finding("gpu", "warn", f"{found} without CUDA", "install a torch wheel built for your driver")
    return Finding("gpu", "ok", found)


def _nvidia() -> str:
    if shutil.which("nvidia-smi") is None:
        return ""
    query = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, timeout=20, check=False)
    except subprocess.TimeoutExpired:
        return ""
    return "; ".join(done.stdout.strip().splitlines()) if done.returncode == 0 else ""
