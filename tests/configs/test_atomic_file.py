"""A file is the old one or the new one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from configs.atomic_file import write_atomic
from configs.errors import BadInputError


def test_text_and_bytes(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a.yaml", "größe: 1\n")
    assert (tmp_path / "a.yaml").read_bytes() == "größe: 1\n".encode()
    write_atomic(tmp_path / "a.yaml", b"\x00\x01")
    assert (tmp_path / "a.yaml").read_bytes() == b"\x00\x01"
    assert [path.name for path in tmp_path.iterdir()] == ["a.yaml"]
    assert (tmp_path / "a.yaml").stat().st_mode & 0o777 == 0o644


def test_a_failure_keeps_the_old_file_and_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    write_atomic(path, "old")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    assert [item.name for item in tmp_path.iterdir()] == ["a.yaml"]


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="the folder does not exist"):
        write_atomic(tmp_path / "nowhere" / "a.yaml", "text")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(BadInputError, match="permission denied"):
        write_atomic(tmp_path / "a.yaml", "text")
