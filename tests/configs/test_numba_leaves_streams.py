"""Compiling in a thread must not touch the process's output."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

PROGRAM = """
import sys, types

class Watched(types.ModuleType):
    def __setattr__(self, name, value):
        assert name not in ("stdout", "stderr"), f"somebody exchanges {name}"
        super().__setattr__(name, value)

import configs
import numba
from numba.core.errors import TypingError
sys.__class__ = Watched
TypingError("a message")  # compiling makes many of these, most of which nobody sees
"""


def test_no_stream_is_exchanged_while_numba_makes_its_messages() -> None:
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=root, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
