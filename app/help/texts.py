"""What is worth knowing at the places where something is decided; the words are in ``texts.yaml``."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from configs.loading import read_yaml

_FILE: Final = Path(__file__).parent / "texts.yaml"


@dataclass(frozen=True)
class HelpText:
    """A title and some short paragraphs."""

    title: str
    paragraphs: tuple[str, ...]


@cache
def help_texts() -> dict[str, HelpText]:
    """By topic."""
    entries = read_yaml(_FILE).items()
    return {topic: HelpText(entry["title"], tuple(entry["paragraphs"])) for topic, entry in entries}
