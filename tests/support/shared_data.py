"""Where the recordings that some tests use lie, and how a test says that it needs them."""

from __future__ import annotations

from pathlib import Path

import pytest

SHARED: Path = Path(__file__).resolve().parents[2].parent / "shared"
"""The folder ``shared`` beside the checkout."""

needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the recordings in ../shared are not here")
