"""The tiny data set with its label file and limb lengths."""

from __future__ import annotations

from pathlib import Path

from models.datasets.human36m_labels import read_labels
from models.datasets.human36m_preparation import LABEL_FILE, build_labels, extract_boxes
from models.datasets.limb_lengths import LIMB_FILE, write_limb_lengths
from tests.models.datasets.tiny_human36m import write_downloads


def prepared_root(root: Path) -> Path:
    write_downloads(root)
    extract_boxes(root, lambda *words: None)
    build_labels(root, lambda *words: None)
    write_limb_lengths(root / "extra" / LIMB_FILE, read_labels(root / "extra" / LABEL_FILE))
    return root
