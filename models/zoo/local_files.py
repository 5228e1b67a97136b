"""A model's files among what the user already has on disk."""

from __future__ import annotations

import shutil
from pathlib import Path

from configs.errors import bad_input
from models.zoo.archive import ArchiveError, unpack_verified
from models.zoo.checksum import difference, sha256_of
from models.zoo.manifest import ModelEntry
from models.zoo.receipt import archives_of
from models.zoo.wheel import extract_for_import


def collect(entry: ModelEntry, path: Path, staging: Path) -> str | None:
    """Copy what ``path`` has of the model into ``staging``, verified.

    Args:
        entry: The model.
        path: One of its files under any name, a wheel or archive that holds them, or a folder with either.
        staging: Where the copies go, under their manifest names.

    Returns:
        SHA-256 of the archive that vouches for the files, where it was one.

    Raises:
        BadInputError: ``path`` does not exist or holds something else.
    """
    if path.is_dir():
        found = _in_folder(entry, path)
        if not found:
            raise bad_input(
                "the folder has no file of this model",
                file=path,
                allowed=", ".join(entry.files) + " or what they came in",
            )
        vouchers = [collect(entry, item, staging) for item in found]
        return next((voucher for voucher in vouchers if voucher), None)
    if not path.is_file():
        raise bad_input("no such file or folder", file=path)
    if path.suffix == ".zip" and any(source.type == "archive" for source in entry.sources):
        return _from_archive(entry, path, staging)
    if path.suffix in {".whl", ".zip"}:
        members = next((source.members for source in entry.sources if source.type == "wheel"), None)
        if members is None:
            raise bad_input(f"this model does not come in a {path.suffix} file", file=path)
        extract_for_import(path, members, entry.files, staging)
        for file, expected in entry.files.items():
            wrong = difference(staging / file, expected)
            if wrong:
                raise bad_input(f"{members[file]} {wrong}", file=path)
    else:
        shutil.copyfile(path, staging / _recognise(entry, path))
    return None


def _from_archive(entry: ModelEntry, path: Path, staging: Path) -> str | None:
    """Unpack an archive that the user has; it must be the right one, or hold the right files."""
    members = next(source.members for source in entry.sources if source.type == "archive")
    digest = sha256_of(path)
    right = digest in archives_of(entry)
    unproven = [file for file, expected in entry.files.items() if expected.sha256 is None]
    if unproven and not right:
        raise bad_input(
            f"has SHA-256 {digest}, expected {' or '.join(sorted(archives_of(entry)))}", file=path
        )
    for file, member in members.items():
        try:
            unpack_verified(path, member, entry.files[file], staging / file)
        except ArchiveError as error:
            raise bad_input(str(error), file=path) from error
    return digest if right else None


def _in_folder(entry: ModelEntry, folder: Path) -> list[Path]:
    """The model's files by name, directly in the folder or where a wheel unpacks them; else a wheel.

    Else files that are the model's by their bytes.
    """
    places: list[Path] = []
    for file in entry.files:
        inside = [folder / source.members[file] for source in entry.sources if source.type == "wheel"]
        places += [place for place in (folder / file, *inside) if place.is_file()][:1]
    return places or sorted(folder.glob("*.whl"))[:1] or _by_content(entry, folder)


def _by_content(entry: ModelEntry, folder: Path) -> list[Path]:
    """Files directly in the folder that are the model's, or an archive of it, under whatever name."""
    sizes = {expected.size for expected in entry.files.values()}
    proofs = archives_of(entry) | {expected.sha256 for expected in entry.files.values()} - {None}
    endings = {Path(file).suffix for file in entry.files}
    if any(source.type == "archive" for source in entry.sources):
        endings.add(".zip")
    found = []
    for path in sorted(folder.iterdir()):
        if not path.is_file() or path.suffix not in endings:
            continue
        possible = path.suffix == ".zip" or None in sizes or path.stat().st_size in sizes
        if possible and sha256_of(path) in proofs:
            found.append(path)
    return found


def _recognise(entry: ModelEntry, path: Path) -> str:
    """Name of the model's file that ``path`` is, by its bytes."""
    same_name = entry.files.get(path.name)
    if same_name is not None and same_name.sha256 is None:
        raise bad_input(
            "nobody published the SHA-256 of this file; only its archive is known",
            file=path,
            hint="give the .zip file",
        )
    if same_name is not None:
        wrong = difference(path, same_name)
        if wrong:
            raise bad_input(wrong, file=path)
        return path.name
    sizes = {expected.size for expected in entry.files.values()}
    digest = sha256_of(path) if None in sizes or path.stat().st_size in sizes else None
    for file, expected in entry.files.items():
        if digest is not None and expected.sha256 == digest:
            return file
    raise bad_input("is no file of this model", file=path, allowed=", ".join(entry.files))
