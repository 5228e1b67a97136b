"""Addresses of one session's channels."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Final

from pipeline.node import Endpoints

_CHANNELS: Final = ("commands", "reports", "frames", "records", "poses")


def session_endpoints(folder: Path, poses_public: str = "") -> Endpoints:
    """Addresses that only this machine can reach, and that no other session has.

    Args:
        folder: The session's own, new folder.
        poses_public: Where other programs may subscribe to poses; "" for nowhere.
    """
    if sys.platform == "win32":  # no ipc there
        start = 20_000 + os.getpid() % 20_000
        own = {name: f"tcp://127.0.0.1:{start + place}" for place, name in enumerate(_CHANNELS)}
    else:
        own = {name: f"ipc://{folder}/{name}" for name in _CHANNELS}
    return Endpoints(poses_public=poses_public, **own)
