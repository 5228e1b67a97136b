"""Models in zip archives: who vouches for what, every way a download can go wrong, and hostile archives."""

from __future__ import annotations

import hashlib
import io
import random
import stat
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from configs.errors import BadInputError
from configs.loading import parse_config
from models.zoo import FetchError, ModelStore
from models.zoo.archive import ArchiveError, unpack_member
from models.zoo.download import SourceError, download
from models.zoo.manifest import FileEntry, Manifest
from models.zoo.receipt import RECEIPT
from tests.models.zoo.file_server import FileServer, Served

NETWORK = random.Random(3).randbytes(200_000)
"""Random bytes do not compress: a cut archive is cut in the middle of the network."""


def zipped(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return packed.getvalue()


ARCHIVE = zipped({"20230605/net/end2end.onnx": NETWORK, "20230605/net/pipeline.json": b"{}"})


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def known(data: bytes) -> dict[str, Any]:
    return {"size": len(data), "sha256": sha(data)}


def manifest(
    *urls: str,
    archive: dict[str, Any] | None = None,
    file: dict[str, Any] | None = None,
    accept: bool = False,
) -> Manifest:
    licence = {
        "name": "X",
        "url": "https://example.org",
        "holder": "somebody",
        "must_accept": accept,
        "terms": "for research only",
    }
    sources = [
        {
            "type": "archive",
            "name": f"source{number}",
            "url": url,
            "archive": archive or {},
            "members": {"net.onnx": "end2end.onnx"},
        }
        for number, url in enumerate(urls)
    ]
    entry = {"title": "a net", "licence": licence, "files": {"net.onnx": file or {}}, "sources": sources}
    return parse_config(Manifest, {"version": 1, "models": {"net": entry}})


WAYS = {
    "both known": (known(ARCHIVE), known(NETWORK)),
    "archive only": ({"sha256": sha(ARCHIVE)}, {}),
    "network only": ({}, {"sha256": sha(NETWORK)}),
}
"""What the manifest may know: archive and file inside."""


@pytest.fixture(params=WAYS.values(), ids=WAYS)
def way(request: pytest.FixtureRequest) -> dict[str, Any]:
    archive, file = request.param
    return {"archive": archive, "file": file}


def assert_complete(store: ModelStore) -> None:
    path = store.model_file("net", "net.onnx")
    assert path.read_bytes() == NETWORK
    assert store.sha256("net", "net.onnx") == sha(NETWORK)
    left = {item.name for item in path.parent.iterdir()}
    assert left - {RECEIPT} == {"net.onnx", ".lock"}  # neither archive nor staging folder
    if sys.platform != "win32":
        assert path.parent.stat().st_mode & 0o077 == 0


def test_fetched_once(server: FileServer, tmp_path: Path, way: dict[str, Any]) -> None:
    url = server.add("/a.zip", Served(ARCHIVE))
    store = ModelStore(tmp_path, manifest(url, **way))
    calls: list[tuple[str, int, int]] = []
    assert store.fetch("net", progress=lambda *call: calls.append(call)).ready
    assert calls[-1] == ("a.zip", len(ARCHIVE), len(ARCHIVE))
    assert_complete(store)
    assert store.fetch("net").ready and len(server.requests) == 1


def test_redirected(server: FileServer, tmp_path: Path, way: dict[str, Any]) -> None:
    target = server.add("/b.zip", Served(ARCHIVE))
    url = server.add("/a.zip", Served(b"", status=302, location=target))
    store = ModelStore(tmp_path, manifest(url, **way))
    store.fetch("net")
    assert_complete(store)


def test_interrupted_and_resumed(server: FileServer, tmp_path: Path, way: dict[str, Any]) -> None:
    url = server.add("/a.zip", Served(ARCHIVE))
    store = ModelStore(tmp_path, manifest(url, **way))

    def interrupt(_name: str, done: int, total: int) -> None:
        if done > total / 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fetch("net", progress=interrupt)
    assert not store.info("net").ready
    store.fetch("net")
    assert_complete(store)
    assert 0 < server.starts()[1] < len(ARCHIVE)


def test_a_broken_connection_is_resumed(
    server: FileServer, tmp_path: Path, way: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("models.zoo.download.time.sleep", lambda _: None)
    url = server.add("/a.zip", Served(ARCHIVE, cut_after=[50_000, 100_000]))
    store = ModelStore(tmp_path, manifest(url, **way))
    store.fetch("net")
    assert_complete(store)
    assert server.starts() == [0, 50_000, 150_000]


def test_the_mirror_helps(server: FileServer, tmp_path: Path, way: dict[str, Any]) -> None:
    good = server.add("/good.zip", Served(ARCHIVE))
    store = ModelStore(tmp_path, manifest(server.address + "/gone.zip", good, **way))
    store.fetch("net")
    assert_complete(store)


def test_a_mirror_goes_on_where_the_first_source_stopped(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the archive is known, halves of two sources make one whole."""
    monkeypatch.setattr("models.zoo.download.time.sleep", lambda _: None)
    first = server.add("/first.zip", Served(ARCHIVE, cut_after=[20_000] * 4))
    second = server.add("/second.zip", Served(ARCHIVE))
    store = ModelStore(tmp_path, manifest(first, second, archive=known(ARCHIVE)))
    store.fetch("net")
    assert_complete(store)
    assert server.requests[-1] == ("/second.zip", "bytes=80000-")


def damaged(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


@pytest.mark.parametrize(
    ("served", "words"),
    [
        (Served(damaged(ARCHIVE)), r"has SHA-256|Bad CRC-32|[Ee]rror"),
        (Served(ARCHIVE[:-100]), r"bytes, expected|SHA-256|not a zip file"),
        (Served(b"<html>please log in</html>"), r"bytes, expected|SHA-256|not a zip file"),
        (Served(b""), r"bytes|SHA-256|not a zip file"),
        (Served(ARCHIVE, status=403), "answered 403"),
        (Served(zipped({"end2end.onnx": damaged(NETWORK)})), r"bytes, expected|SHA-256"),
        (Served(zipped({"model.onnx": NETWORK})), r"bytes, expected|SHA-256|holds 0 files called end2end"),
        (
            Served(zipped({"a/end2end.onnx": NETWORK, "b/end2end.onnx": NETWORK})),
            r"bytes, expected|SHA-256|holds 2 files called end2end",
        ),
        (Served(zipped({"../end2end.onnx": NETWORK})), r"bytes, expected|SHA-256|leads out of it"),
        (Served(ARCHIVE, tell_length=False, cut_after=[1000] * 9), r"bytes came|SHA-256|not a zip file"),
    ],
    ids=[
        "damaged",
        "truncated",
        "login page",
        "empty",
        "forbidden",
        "other network",
        "no network",
        "two networks",
        "path out of it",
        "cut without a length",
    ],
)
def test_a_wrong_archive_leaves_nothing_usable(
    server: FileServer,
    tmp_path: Path,
    way: dict[str, Any],
    served: Served,
    words: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("models.zoo.download.time.sleep", lambda _: None)
    served = Served(
        served.data, status=served.status, tell_length=served.tell_length, cut_after=[*served.cut_after]
    )
    url = server.add("/a.zip", served)
    store = ModelStore(tmp_path / "store", manifest(url, **way))
    with pytest.raises(FetchError, match=words) as caught:
        store.fetch("net")
    assert "source0: a.zip: " in str(caught.value)
    assert "launch.py models import net" in str(caught.value) and url in str(caught.value)
    assert not (store.folder / "net" / "net.onnx").exists()
    with pytest.raises(BadInputError, match=r"net\.onnx: is not here"):
        store.model_file("net", "net.onnx")
    everything = {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")}
    assert everything == {"store"}  # nothing got out
    # ... and the right archive still gets in afterwards
    server.add("/a.zip", Served(ARCHIVE))
    store.fetch("net")
    assert_complete(store)


def test_prefixes_in_names_are_not_believed(server: FileServer, tmp_path: Path) -> None:
    """A name that ends in the first digits of some hash, as those of OpenMMLab do, proves nothing."""
    wrong = zipped({"end2end.onnx": damaged(NETWORK)})
    url = server.add(f"/net-{sha(wrong)[:8]}_20230605.zip", Served(wrong))
    with pytest.raises(FetchError, match="SHA-256"):
        ModelStore(tmp_path, manifest(url, archive={"sha256": sha(ARCHIVE)})).fetch("net")
    other = server.add("/net-00000000_20230605.zip", Served(ARCHIVE))
    store = ModelStore(tmp_path, manifest(other, archive={"sha256": sha(ARCHIVE)}))
    store.fetch("net")
    assert_complete(store)


def test_the_licence_and_its_terms_come_first(
    server: FileServer, tmp_path: Path, way: dict[str, Any]
) -> None:
    store = ModelStore(tmp_path, manifest(server.add("/a.zip", Served(ARCHIVE)), accept=True, **way))
    with pytest.raises(
        BadInputError, match=r"accepts its licence X .*: for research only; read it, then add --yes"
    ):
        store.fetch("net")
    assert server.requests == []
    assert store.fetch("net", accept_licence=True).ready


def test_changed_after_unpacking(server: FileServer, tmp_path: Path, way: dict[str, Any]) -> None:
    store = ModelStore(tmp_path, manifest(server.add("/a.zip", Served(ARCHIVE)), **way))
    store.fetch("net")
    path = store.model_file("net", "net.onnx")
    path.write_bytes(damaged(NETWORK))
    with pytest.raises(BadInputError, match=f"SHA-256 {sha(damaged(NETWORK))}, expected {sha(NETWORK)}"):
        store.model_file("net", "net.onnx")
    store.fetch("net")
    assert_complete(store)


@pytest.mark.parametrize("receipt", [None, b"", b"[]", b'{"net.onnx": {"size": -1}}', b"\xff\xfe"])
def test_without_its_receipt_an_unknown_file_is_not_believed(
    server: FileServer, tmp_path: Path, receipt: bytes | None
) -> None:
    store = ModelStore(tmp_path, manifest(server.add("/a.zip", Served(ARCHIVE)), archive=known(ARCHIVE)))
    store.fetch("net")
    place = tmp_path / "net" / RECEIPT
    place.unlink()
    if receipt is not None:
        place.write_bytes(receipt)
    with pytest.raises(BadInputError, match="did not come from its archive"):
        store.model_file("net", "net.onnx")
    store.fetch("net")
    assert_complete(store)


def test_a_receipt_of_another_archive_is_not_believed(server: FileServer, tmp_path: Path) -> None:
    """The manifest of a newer version may name another archive."""
    url = server.add("/a.zip", Served(ARCHIVE))
    ModelStore(tmp_path, manifest(url, archive=known(ARCHIVE))).fetch("net")
    newer = ModelStore(tmp_path, manifest(url, archive={"sha256": "0" * 64}))
    assert newer.info("net").problems == {
        "net.onnx": "did not come from its archive, the only proof of what it is"
    }


@pytest.mark.parametrize("form", ["archive", "archive of another name", "folder", "file", "folder with file"])
def test_import_without_a_network(tmp_path: Path, way: dict[str, Any], form: str) -> None:
    store = ModelStore(tmp_path / "store", manifest("https://example.org/a.zip", **way))
    given = tmp_path / "given"
    given.mkdir()
    for name in ("aaa.zip", "other.onnx", "notes.txt"):  # a folder of downloads holds this and that
        (given / name).write_bytes(bytes(len(NETWORK)))
    name = {"archive of another name": "download (2).zip"}.get(
        form, "end2end.onnx" if "file" in form else "a.zip"
    )
    path = given / name
    path.write_bytes(NETWORK if "file" in form else ARCHIVE)
    wanted = given if "folder" in form else path
    if ("file" in form and not way["file"]) or (form == "folder" and not way["archive"]):
        with pytest.raises(BadInputError, match=r"no file of this model|only its archive is known"):
            store.import_files("net", [wanted])
        return
    assert store.import_files("net", [wanted]).ready
    assert_complete(store)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.zip", damaged(ARCHIVE), "SHA-256|CRC|[Ee]rror"),
        ("a.zip", ARCHIVE[:1000], "SHA-256|not a zip file"),
        ("a.zip", b"", "SHA-256|not a zip file"),
        ("a.zip", zipped({"end2end.onnx": damaged(NETWORK)}), "SHA-256"),
        ("a.zip", zipped({"other.onnx": NETWORK}), "SHA-256|0 files called"),
        ("net.onnx", damaged(NETWORK), "SHA-256|only its archive is known"),
        ("weights.pth", damaged(NETWORK), "is no file of this model"),
        ("net.whl", ARCHIVE, r"does not come in a \.whl file"),
    ],
)
def test_import_refuses(tmp_path: Path, way: dict[str, Any], name: str, data: bytes, words: str) -> None:
    store = ModelStore(tmp_path / "store", manifest("https://example.org/a.zip", **way))
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadInputError, match=words) as caught:
        store.import_files("net", [path])
    assert str(path) in str(caught.value)
    assert not store.info("net").ready


@pytest.mark.parametrize(
    ("archive", "file"), [({}, {}), ({"size": 5}, {"size": 6})], ids=["nothing known", "sizes only"]
)
def test_a_manifest_must_know_one_hash(archive: dict[str, Any], file: dict[str, Any]) -> None:
    with pytest.raises(
        BadInputError, match=r"nothing proves that net\.onnx of source \"source0\" is the right one"
    ):
        manifest("https://example.org/a.zip", archive=archive, file=file)


def packed_with(tmp_path: Path, edit: Any) -> Path:
    path = tmp_path / "hostile.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        edit(archive)
    return path


def as_link(archive: zipfile.ZipFile) -> None:
    item = zipfile.ZipInfo("end2end.onnx")
    item.create_system = 3
    item.external_attr = (stat.S_IFLNK | 0o777) << 16
    archive.writestr(item, "/etc/passwd")


@pytest.mark.parametrize(
    ("edit", "words"),
    [
        (as_link, "is a link"),
        (lambda a: a.writestr("../../end2end.onnx", b"x"), "leads out of it"),
        (lambda a: a.writestr("/etc/end2end.onnx", b"x"), "leads out of it"),
        (lambda a: a.writestr("..\\end2end.onnx", b"x"), "leads out of it"),
        (lambda a: a.writestr("C:\\end2end.onnx", b"x"), "leads out of it"),
        (lambda a: a.writestr("end2end.onnx", bytes(5_000_000)), "more than 1000 bytes"),
        (lambda a: a.writestr("end2end.onnx/", b""), "0 files"),
        (lambda a: a.writestr("xend2end.onnx", b"x"), "0 files"),
    ],
)
def test_hostile_archives(tmp_path: Path, edit: Any, words: str) -> None:
    archive, inside = packed_with(tmp_path, edit), tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    with pytest.raises(ArchiveError, match=words):
        unpack_member(archive, "end2end.onnx", FileEntry(size=1000), inside / "net.onnx")
    assert {path.name for path in tmp_path.rglob("*")} == {"hostile.zip", "a", "b"}


def test_a_size_that_the_archive_lies_about(tmp_path: Path) -> None:
    """The table of contents promises ten bytes; what unpacks is checked against it by its length and CRC."""
    archive = packed_with(tmp_path, lambda a: a.writestr("end2end.onnx", bytes(5_000_000)))
    content = archive.read_bytes().replace((5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    archive.write_bytes(content)
    with pytest.raises(ArchiveError):
        unpack_member(archive, "end2end.onnx", FileEntry(size=1000), tmp_path / "net.onnx")
    assert not (tmp_path / "net.onnx").exists()


def test_an_encrypted_member(tmp_path: Path) -> None:
    archive = packed_with(tmp_path, lambda a: a.writestr("end2end.onnx", b"x"))
    content = bytearray(archive.read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1  # the flag in the table of contents
    archive.write_bytes(content)
    with pytest.raises(ArchiveError, match="is encrypted"):
        unpack_member(archive, "end2end.onnx", FileEntry(), tmp_path / "net.onnx")


class TestUnknownSize:
    """Downloads whose size nobody published."""

    def get(self, url: str, part: Path) -> None:
        download(url, part, FileEntry(sha256=sha(ARCHIVE)), name="net", pause_s=0.0)

    def test_the_servers_length_is_the_goal(self, server: FileServer, tmp_path: Path) -> None:
        url = server.add("/a", Served(ARCHIVE, cut_after=[1000] * 4))
        with pytest.raises(SourceError, match=f"only 4000 of {len(ARCHIVE)} bytes came"):
            self.get(url, tmp_path / "p")
        self.get(url, tmp_path / "p")
        assert (tmp_path / "p").read_bytes() == ARCHIVE

    def test_without_a_length_the_hash_decides(self, server: FileServer, tmp_path: Path) -> None:
        self.get(server.add("/a", Served(ARCHIVE, tell_length=False)), tmp_path / "p")
        assert (tmp_path / "p").read_bytes() == ARCHIVE
        url = server.add("/b", Served(ARCHIVE, tell_length=False, cut_after=[1000]))
        with pytest.raises(SourceError, match="SHA-256"):
            self.get(url, tmp_path / "q")
        assert not (tmp_path / "q").exists()

    def test_a_complete_part_is_taken_as_it_is(self, server: FileServer, tmp_path: Path) -> None:
        (tmp_path / "p").write_bytes(ARCHIVE)
        self.get(server.add("/a", Served(ARCHIVE)), tmp_path / "p")
        assert (tmp_path / "p").read_bytes() == ARCHIVE

    def test_a_server_that_never_ends(
        self, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("models.zoo.manifest.MOST_BYTES", 10_000)
        with pytest.raises(SourceError, match="more than the expected 10000 bytes"):
            self.get(server.add("/a", Served(ARCHIVE, tell_length=False)), tmp_path / "p")
        assert not (tmp_path / "p").exists()
