"""The export command on a take with known content; the formats themselves are tested beside the exporters."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli.main import main
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import make_take


@pytest.fixture
def take(tmp_path: Path) -> Path:
    folder = tmp_path / "walk"
    make_take(folder, frames=4)
    return folder


def test_two_formats_are_written_and_listed(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(take), "--format", "npz, csv", "--json"]) == 0
    files = json.loads(capsys.readouterr().out)["files"]
    assert [Path(file["path"]).name for file in files] == ["walk.npz", "walk.csv"]
    assert all(Path(file["path"]).stat().st_size == file["size_bytes"] > 0 for file in files)
    poses = Take.open(take).poses()
    assert poses is not None
    with np.load(files[0]["path"]) as arrays:
        np.testing.assert_array_equal(arrays["joints"], poses.joints)


def test_files_in_the_way_are_kept_unless_told_otherwise(
    take: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["export", str(take), "--format", "csv", "--out", str(tmp_path / "out")]
    assert main(words) == 0
    assert "walk.csv" in capsys.readouterr().out
    assert main(words) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["--format", "cvs"], ["'cvs'", "unknown export format", 'did you mean "csv"?']),
        (["--format", ","], ["no export format is given"]),
        ([], ["--format", "see launch.py export --help"]),
    ],
)
def test_wrong_formats(
    words: list[str], parts: list[str], take: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", str(take), *words]) == 2
    sentence = capsys.readouterr().err
    for part in parts:
        assert part in sentence


def test_a_folder_that_is_no_take(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", str(tmp_path / "nowhere"), "--format", "csv"]) == 2
    assert str(tmp_path / "nowhere") in capsys.readouterr().err


def test_an_interrupted_take_has_to_be_repaired_first(take: Path, capsys: pytest.CaptureFixture[str]) -> None:
    header = take / "take.yaml"
    text = header.read_text(encoding="utf-8")
    header.write_text(text.replace("state: complete", "state: recording"), encoding="utf-8")
    (take / "poses.npz").rename(take / "poses.log")  # a killed recorder leaves its log and no npz
    assert main(["export", str(take), "--format", "csv"]) == 2
    assert f"{take}: was interrupted; run: launch.py repair {take}" in capsys.readouterr().err
    assert not (take / "exports").exists()
