"""Settings that hold for every test."""

from __future__ import annotations

import os

# Read by Qt and matplotlib when they are first imported, so it must be set before any test module is.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("MPLBACKEND", "Agg")
