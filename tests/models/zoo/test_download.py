from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from models.zoo import download as module
from models.zoo.download import SourceError, download
from models.zoo.manifest import FileEntry
from tests.models.zoo.file_server import FileServer, Served

DATA = random.Random(5).randbytes(300_000)
ENTRY = FileEntry(size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest())


def get(url: str, part: Path, progress: module.Progress | None = None) -> None:
    download(url, part, ENTRY, name="net", progress=progress, pause_s=0.0)


def test_whole_file_with_progress(server: FileServer, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    get(server.add("/a", Served(DATA)), tmp_path / "p", lambda *call: seen.append(call))
    assert (tmp_path / "p").read_bytes() == DATA
    assert seen[-1] == ("net", len(DATA), len(DATA))
    assert [call[1] for call in seen] == sorted(call[1] for call in seen)


def test_only_the_rest_is_asked_for(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(DATA[:123_456])
    get(server.add("/a", Served(DATA)), tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == DATA
    assert server.starts() == [123_456]


def test_a_complete_part_needs_no_request(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(DATA)
    get(server.add("/a", Served(DATA)), tmp_path / "p")
    assert server.requests == []


def test_a_server_without_ranges_starts_over(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(b"x" * 1000)
    get(server.add("/a", Served(DATA, ranges=False)), tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == DATA


@pytest.mark.parametrize("tell_length", [True, False])
def test_broken_connections_are_resumed(server: FileServer, tmp_path: Path, tell_length: bool) -> None:
    served = Served(DATA, cut_after=[100_000, 50_000], tell_length=tell_length)
    get(server.add("/a", served), tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == DATA
    assert server.starts() == [0, 100_000, 150_000]


@pytest.mark.parametrize("tell_length", [True, False])
def test_giving_up_keeps_what_came(server: FileServer, tmp_path: Path, tell_length: bool) -> None:
    url = server.add("/a", Served(DATA, cut_after=[1000] * module.ATTEMPTS, tell_length=tell_length))
    with pytest.raises(SourceError, match=f"only {1000 * module.ATTEMPTS} of {len(DATA)} bytes came"):
        get(url, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == DATA[: 1000 * module.ATTEMPTS]
    get(url, tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == DATA


def test_wrong_bytes_are_deleted(server: FileServer, tmp_path: Path) -> None:
    wrong = DATA[:-1] + bytes([DATA[-1] ^ 1])
    url = server.add("/a", Served(wrong))
    with pytest.raises(SourceError, match=r"has SHA-256 \w+, expected \w+; it was deleted"):
        get(url, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_another_size_is_refused_before_a_byte_is_written(server: FileServer, tmp_path: Path) -> None:
    url = server.add("/a", Served(b"please log in"))
    with pytest.raises(SourceError, match=f"offers a file of 13 bytes, expected {len(DATA)}"):
        get(url, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_too_many_bytes_are_refused(server: FileServer, tmp_path: Path) -> None:
    url = server.add("/a", Served(DATA + b"more", tell_length=False))
    with pytest.raises(SourceError, match="more than the expected"):
        get(url, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_a_part_longer_than_the_file_is_not_resumed(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(DATA + b"more")
    get(server.add("/a", Served(DATA)), tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == DATA
    assert server.starts() == [0]


def test_redirects_are_followed_and_keep_the_range(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(DATA[:10])
    target = server.add("/b", Served(DATA))
    get(server.add("/a", Served(b"", status=302, location=target)), tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == DATA
    assert server.starts() == [10, 10]


def test_a_range_that_cannot_be_satisfied_starts_fresh_next_time(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(DATA[:2000])
    url = server.add("/a", Served(DATA[:500]))
    with pytest.raises(SourceError, match="cannot resume at byte 2000"):
        get(url, tmp_path / "p")
    assert not (tmp_path / "p").exists()


def test_another_range_than_asked_for_is_not_appended(server: FileServer, tmp_path: Path) -> None:
    (tmp_path / "p").write_bytes(DATA[:2000])
    with pytest.raises(SourceError, match="another range"):
        get(server.add("/a", Served(DATA, wrong_range=True)), tmp_path / "p")
    assert (tmp_path / "p").read_bytes() == DATA[:2000]


def test_status_is_the_reason(server: FileServer, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="net: the server answered 404"):
        get(server.address + "/missing", tmp_path / "p")
    assert len(server.requests) == 1  # no use in asking again


def test_nobody_listens(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="refused"):
        get("http://127.0.0.1:9/a", tmp_path / "p")  # 9: discard, which nobody runs


def test_silence_ends(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READ_TIMEOUT_S", 0.1)
    with pytest.raises(SourceError, match="no answer in time"):
        get(server.add("/a", Served(DATA, delay_s=0.5)), tmp_path / "p")
