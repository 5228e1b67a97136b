"""Takes with known content, and a studio that remembers nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from app.preferences import Preferences
from app.space.space_view import SpaceView
from app.studio import Studio
from tests.pipeline.take.synthetic_take import make_take

FRAMES = 30
SIZE = (160, 120)


@pytest.fixture(scope="session")
def walk_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One person walking for a second in front of three cameras; one of them lost two frames."""
    folder = tmp_path_factory.mktemp("once") / "walk"
    return make_take(
        folder, frames=FRAMES, sizes=[SIZE] * 3, truth=True, dropped={"cam2": {4, 20}}, label="drawn"
    )


@pytest.fixture
def takes(tmp_path: Path) -> Path:
    """The folder that takes go to."""
    folder = tmp_path / "takes"
    folder.mkdir()
    return folder


@pytest.fixture
def walk(walk_once: Path, takes: Path) -> Path:
    """A complete take of one's own."""
    shutil.copytree(walk_once, takes / "walk")
    return takes / "walk"


@pytest.fixture
def interrupted(walk_once: Path, takes: Path) -> Path:
    """A take whose recorder was killed long ago: still "recording", a ledger line cut short."""
    folder = takes / "cut"
    shutil.copytree(walk_once, folder)
    interrupt(folder)
    return folder


def interrupt(folder: Path) -> None:
    header = folder / "take.yaml"
    text = header.read_text(encoding="utf-8")
    assert "state: complete" in text
    header.write_text(
        text.replace("state: complete", "state: recording").replace("synthetic walk", folder.name),
        encoding="utf-8",
    )
    ledger = folder / "ledger" / "cam1.csv"
    ledger.write_bytes(ledger.read_bytes()[:-5])
    age(folder)


def age(folder: Path) -> None:
    """As if nothing had been written for a minute."""
    import os

    for path in [*folder.rglob("*"), folder]:
        stamp = path.stat().st_mtime - 60.0
        os.utime(path, (stamp, stamp))


def rename_in_header(folder: Path, name: str, **changes: str) -> None:
    """Change what ``take.yaml`` says."""
    path = folder / "take.yaml"
    text = path.read_text(encoding="utf-8").replace("name: synthetic walk", f"name: {name}")
    for key, value in changes.items():
        before = next(line for line in text.splitlines() if line.startswith(f"{key}:"))
        text = text.replace(before, f"{key}: {value}")
    path.write_text(text, encoding="utf-8")


@pytest.fixture
def studio(qapp, takes: Path) -> Studio:
    preferences = Preferences()
    preferences.takes_folder = takes
    return Studio(preferences)


@pytest.fixture(autouse=True)
def lines_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """The 3D view is tested beside itself; here it needs no process of its own."""
    monkeypatch.setattr(
        "app.takes.player_view.make_space_view", lambda parent: SpaceView(parent, "wireframe")
    )


@pytest.fixture(autouse=True)
def no_nice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bodies of background jobs that run in the test's own process must not slow it down for good."""
    monkeypatch.setattr("os.nice", lambda step: 0)


def same(first: np.ndarray, second: np.ndarray) -> bool:
    return bool(np.array_equal(first, second, equal_nan=True))


@pytest.fixture
def said(studio: Studio) -> list[tuple[str, str]]:
    words: list[tuple[str, str]] = []
    studio.message.connect(lambda level, text: words.append((level, text)))
    return words
