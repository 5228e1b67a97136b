"""A model's files among what the user already has on disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from configs.errors import bad_input
from models.zoo.checksum import difference, sha256_of
from models.zoo.manifest import ModelEntry
from models.zoo.wheel import extract_for_import


def collect(entry: ModelEntry, path: Path, staging: Path) -> None:
    """Copy what ``path`` has of the model into ``staging``, verified.

    Args:
        entry: The model.
        path: One of its files under any name, a wheel that holds them, or a folder with either.
        staging: Where the copies go, under their manifest names.

    Raises:
        BadInputError: ``path`` does not exist or holds something else.
    """
    if path.is_dir():
        found = _in_folder(entry, path)
        if not found:
            raise bad_input(
                "the folder has no file of this model",
                file=path,
                allowed=", ".join(entry.files) + " or a wheel",
            )
        for item in found:
            collect(entry, item, staging)
    elif not path.is_file():
        raise bad_input("no such file or folder", file=path)
    elif path.suffix in {".whl", ".zip"}:
        members = next((source.members for source in entry.sources if source.type == "wheel"), None)
        if members is None:
            raise bad_input("this model does not come in a wheel", file=path)
        extract_for_import(path, members, entry.files, staging)
        for file, expected in entry.files.items():
            wrong = difference(staging / file, expected)
            if wrong:
                raise bad_input(f"{members[file]} {wrong}", file=path)
    else:
        shutil.copyfile(path, staging / _recognise(entry, path))


def _in_folder(entry: ModelEntry, folder: Path) -> list[Path]:
    """The model's files by name, directly in the folder or where a wheel unpacks them, else one wheel."""
    places: list[Path] = []
    for file in entry.files:
        inside = [folder / source.members[file] for source in entry.sources if source.type == "wheel"]
        places += [place for place in (folder / file, *inside) if place.is_file()][:1]
    return places or sorted(folder.glob("*.whl"))[:1]


def _recognise(entry: ModelEntry, path: Path) -> str:
    """Name of the model's file that ``path`` is, by its bytes."""
    same_name = entry.files.get(path.name)
    if same_name is not None:
        wrong = difference(path, same_name)
        if wrong:
            raise bad_input(wrong, file=path)
        return path.name
    sizes = {expected.size for expected in entry.files.values()}
    digest = sha256_of(path) if path.stat().st_size in sizes else None
    for file, expected in entry.files.items():
        if expected.sha256 == digest:
            return file
    raise bad_input("is no file of this model", file=path, allowed=", ".join(entry.files))
