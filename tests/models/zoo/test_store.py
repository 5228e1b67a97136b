from __future__ import annotations

import hashlib
import random
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any

import pytest

from configs.errors import BadInputError
from configs.loading import parse_config
from models.zoo import FetchError, ModelStore, default_store, fetch, info, model_file
from models.zoo.manifest import Manifest
from tests.models.zoo.file_server import FileServer, Served

CONTENT = {"one.bin": random.Random(1).randbytes(70_000), "two.bin": random.Random(2).randbytes(90_000)}
MEMBERS = {"one.bin": "toynet/data/one.bin", "two.bin": "toynet/data/two.bin"}


def manifest(*sources: dict[str, Any], must_accept: bool = False) -> Manifest:
    return parse_config(
        Manifest,
        {
            "version": 1,
            "models": {
                "toy": {
                    "title": "a toy",
                    "licence": {
                        "name": "Toy-1.0",
                        "url": "https://example.org/toy",
                        "holder": "somebody",
                        "must_accept": must_accept,
                    },
                    "skeleton": "coco_17",
                    "files": {
                        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
                        for name, data in CONTENT.items()
                    },
                    "sources": list(sources),
                }
            },
        },
    )


def url_source(server: FileServer, name: str = "web", folder: str = "/") -> dict[str, Any]:
    return {"type": "url", "name": name, "urls": {file: server.address + folder + file for file in CONTENT}}


WHEEL_SOURCE = {
    "type": "wheel",
    "name": "wheel",
    "requirement": "toynet==1.2",
    "python_version": "3.9",
    "implementation": "cp",
    "abi": "cp39",
    "platform": "win_amd64",
    "members": MEMBERS,
}
"""Tags of a system that no test runs on: the wheel must come all the same."""


def make_wheel(folder: Path, content: dict[str, bytes] | None = None) -> Path:
    path = folder / "toynet-1.2-cp39-cp39-win_amd64.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for name, data in (CONTENT if content is None else content).items():
            wheel.writestr(MEMBERS[name], data)
        wheel.writestr("toynet-1.2.dist-info/METADATA", "Metadata-Version: 2.1\nName: toynet\nVersion: 1.2\n")
        wheel.writestr(
            "toynet-1.2.dist-info/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp39-cp39-win_amd64\n",
        )
        wheel.writestr("toynet-1.2.dist-info/RECORD", "")
    return path


def serve(server: FileServer, folder: str = "/", **options: Any) -> None:
    for name, data in CONTENT.items():
        server.add(folder + name, Served(data, **options))


def assert_complete(store: ModelStore) -> None:
    for name, data in CONTENT.items():
        assert store.model_file("toy", name).read_bytes() == data
    left = {path.name for path in (store.folder / "toy").iterdir()}
    assert left == {*CONTENT, ".lock"}


def test_fetch_once(server: FileServer, tmp_path: Path) -> None:
    serve(server)
    store = ModelStore(tmp_path / "new" / "store", manifest(url_source(server)))
    assert set(store.info("toy").problems) == set(CONTENT)
    assert store.fetch("toy").ready
    assert_complete(store)
    store.fetch("toy")
    assert len(server.requests) == 2
    if sys.platform != "win32":
        assert (store.folder / "toy").stat().st_mode & 0o077 == 0


def test_functions_act_on_the_given_store(server: FileServer, tmp_path: Path) -> None:
    serve(server)
    store = ModelStore(tmp_path, manifest(url_source(server)))
    assert fetch("toy", store=store).ready
    assert info("toy", store).ready
    assert model_file("toy", "one.bin", store).read_bytes() == CONTENT["one.bin"]


def test_the_next_source_is_tried_and_the_reason_logged(
    server: FileServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    serve(server, "/good/")
    server.add("/bad/one.bin", Served(CONTENT["one.bin"]))  # the second file is missing there
    store = ModelStore(
        tmp_path, manifest(url_source(server, "bad", "/bad/"), url_source(server, "good", "/good/"))
    )
    store.fetch("toy")
    assert_complete(store)
    assert "source bad of model toy failed: two.bin: the server answered 404" in caplog.text
    asked = [path for path, _ in server.requests]
    assert asked == ["/bad/one.bin", "/bad/two.bin", "/good/two.bin"]  # a verified file is not fetched again


def test_all_sources_fail(server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    server.add("/one.bin", Served(bytes(len(CONTENT["one.bin"]))))
    store = ModelStore(tmp_path, manifest(url_source(server), WHEEL_SOURCE))
    with pytest.raises(FetchError) as caught:
        store.fetch("toy")
    message = str(caught.value)
    assert "web: one.bin: the downloaded file has SHA-256" in message
    assert "wheel: pip could not get toynet==1.2" in message
    assert "launch.py models import toy" in message


def test_only_the_named_source(server: FileServer, tmp_path: Path) -> None:
    serve(server, "/second/")
    store = ModelStore(
        tmp_path, manifest(url_source(server, "first"), url_source(server, "second", "/second/"))
    )
    with pytest.raises(BadInputError, match=r"'secnd'.*allowed: first, second.*did you mean \"second\""):
        store.fetch("toy", source="secnd")
    store.fetch("toy", source="second")
    assert all(path.startswith("/second/") for path, _ in server.requests)


def test_a_licence_that_demands_agreement(server: FileServer, tmp_path: Path) -> None:
    serve(server)
    store = ModelStore(tmp_path, manifest(url_source(server), must_accept=True))
    with pytest.raises(BadInputError, match=r"accepts its licence Toy-1\.0"):
        store.fetch("toy")
    assert server.requests == []
    assert store.fetch("toy", accept_licence=True).ready


def test_interrupted_and_resumed(server: FileServer, tmp_path: Path) -> None:
    serve(server)
    store = ModelStore(tmp_path, manifest(url_source(server)))

    def interrupt(name: str, done: int, total: int) -> None:
        if name == "two.bin" and done < total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.fetch("toy", progress=interrupt)
    assert set(store.info("toy").problems) == {"two.bin"}
    store.fetch("toy")
    assert_complete(store)
    assert [path for path, _ in server.requests] == ["/one.bin", "/two.bin", "/two.bin"]
    assert 0 < server.starts()[2] < len(CONTENT["two.bin"])


def test_two_fetches_at_once_download_once(server: FileServer, tmp_path: Path) -> None:
    serve(server, delay_s=0.1)
    stores = [ModelStore(tmp_path, manifest(url_source(server))) for _ in range(4)]
    ready: list[bool] = []
    threads = [
        threading.Thread(target=lambda store=store: ready.append(store.fetch("toy").ready))
        for store in stores
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert ready == [True] * 4
    assert len(server.requests) == 2
    assert_complete(stores[0])


def test_a_corrupted_file_is_named_and_fetched_again(server: FileServer, tmp_path: Path) -> None:
    serve(server)
    store = ModelStore(tmp_path, manifest(url_source(server)))
    store.fetch("toy")
    path = store.model_file("toy", "one.bin")
    path.write_bytes(bytes(len(CONTENT["one.bin"])))
    found = hashlib.sha256(bytes(len(CONTENT["one.bin"]))).hexdigest()
    expected = hashlib.sha256(CONTENT["one.bin"]).hexdigest()
    with pytest.raises(BadInputError, match=f"SHA-256 {found}, expected {expected}.*models fetch toy"):
        store.model_file("toy", "one.bin")
    store.fetch("toy")
    assert_complete(store)


def test_what_model_file_says(tmp_path: Path) -> None:
    store = ModelStore(tmp_path, manifest(WHEEL_SOURCE))
    with pytest.raises(BadInputError, match=r"one\.bin: is not here; run: python launch.py models fetch toy"):
        store.model_file("toy", "one.bin")
    with pytest.raises(BadInputError, match=r"no such file.*did you mean \"one\.bin\""):
        store.model_file("toy", "on.bin")
    with pytest.raises(BadInputError, match=r"unknown model.*did you mean \"toy\""):
        store.model_file("toi", "one.bin")


def test_pip_brings_a_wheel_of_any_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    make_wheel(shelf)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    store = ModelStore(tmp_path / "store", manifest(WHEEL_SOURCE))
    seen: list[str] = []
    store.fetch("toy", progress=lambda name, _done, _total: seen.append(name))
    assert_complete(store)
    assert seen == list(CONTENT)


def test_a_wheel_with_other_files_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    make_wheel(shelf, CONTENT | {"two.bin": bytes(len(CONTENT["two.bin"]))})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    store = ModelStore(tmp_path / "store", manifest(WHEEL_SOURCE))
    with pytest.raises(FetchError, match=r"wheel: toynet==1.2: two.bin has SHA-256"):
        store.fetch("toy")
    assert set(store.info("toy").problems) == {"two.bin"}


def test_import_under_any_name(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store", manifest(WHEEL_SOURCE))
    first, second = tmp_path / "one.bin", tmp_path / "download (3)"
    first.write_bytes(CONTENT["one.bin"])
    second.write_bytes(CONTENT["two.bin"])
    assert store.import_files("toy", [first, second]).ready
    assert_complete(store)


@pytest.mark.parametrize("form", ["wheel", "folder", "folder with wheel", "unpacked wheel"])
def test_import_forms(tmp_path: Path, form: str) -> None:
    store = ModelStore(tmp_path / "store", manifest(WHEEL_SOURCE))
    folder = tmp_path / "given"
    (folder / "toynet" / "data").mkdir(parents=True)
    given = folder
    if form == "wheel":
        given = make_wheel(folder)
    elif form == "folder with wheel":
        make_wheel(folder)
    else:
        for name, data in CONTENT.items():
            (folder / (name if form == "folder" else MEMBERS[name])).write_bytes(data)
    assert store.fetch("toy", from_file=given).ready
    assert_complete(store)


def test_import_is_all_or_nothing(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store", manifest(WHEEL_SOURCE))
    (tmp_path / "one.bin").write_bytes(CONTENT["one.bin"])
    with pytest.raises(BadInputError, match=r"still lacks two\.bin; nothing was imported"):
        store.import_files("toy", [tmp_path / "one.bin"])
    assert set(store.info("toy").problems) == set(CONTENT)


def test_import_refuses_what_it_does_not_know(tmp_path: Path) -> None:
    store = ModelStore(tmp_path / "store", manifest(WHEEL_SOURCE))
    wrong, other, broken = tmp_path / "one.bin", tmp_path / "other.bin", tmp_path / "broken.whl"
    wrong.write_bytes(bytes(len(CONTENT["one.bin"])))
    other.write_bytes(bytes(len(CONTENT["one.bin"])))
    broken.write_bytes(b"no archive")
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, words in {
        wrong: "SHA-256",
        other: "is no file of this model; allowed: one.bin, two.bin",
        broken: "not a zip file",
        empty: "no file of this model",
        tmp_path / "missing": "no such file or folder",
    }.items():
        with pytest.raises(BadInputError, match=words) as caught:
            store.import_files("toy", [path])
        assert str(path) in str(caught.value)


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder")
    store = ModelStore(tmp_path / "file", manifest(WHEEL_SOURCE))
    with pytest.raises(BadInputError, match=r"cannot be stored here.*POSESTAGE_MODELS"):
        store.fetch("toy")


def test_the_default_store_follows_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path))
    assert default_store().folder == tmp_path
    monkeypatch.delenv("POSESTAGE_MODELS")
    assert default_store().folder.parts[-2:] == ("posestage", "models")
