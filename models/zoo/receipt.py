"""What a verified archive held, for files whose own SHA-256 nobody published.

The archive proves the file once, when it is unpacked; the receipt beside the file proves later that it has
not changed since.
"""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from configs.atomic_file import write_atomic
from models.zoo.checksum import sha256_of
from models.zoo.manifest import FileEntry, ModelEntry

RECEIPT = ".receipt.json"


class _Noted(FileEntry):
    """A file as it came out of the archive with the SHA-256 ``archive``."""

    archive: str


def known(entry: ModelEntry, folder: Path, file: str) -> FileEntry:
    """All that is known about a file of a model in ``folder``.

    The manifest's own SHA-256, or the receipt's where that stems from an archive the manifest still names.
    """
    expected = entry.files[file]
    if expected.sha256 is not None:
        return expected
    noted = _read(folder).get(file)
    if noted is None or noted.archive not in archives_of(entry):
        return expected
    return FileEntry(size=noted.size, sha256=noted.sha256)


def archives_of(entry: ModelEntry) -> set[str]:
    """SHA-256 of every archive that may vouch for the model's files."""
    packed = [source.archive for source in entry.sources if source.type == "archive"]
    return {archive.sha256 for archive in packed if archive.sha256 is not None}


def note(folder: Path, file: str, proven: Path, archive: str) -> None:
    """Remember the bytes of ``proven`` as those of ``file``; an archive with this SHA-256 held them."""
    content = _read(folder)
    content[file] = _Noted(size=proven.stat().st_size, sha256=sha256_of(proven), archive=archive)
    text = json.dumps({name: item.model_dump() for name, item in content.items()}, indent=1)
    write_atomic(folder / RECEIPT, text)


def _read(folder: Path) -> dict[str, _Noted]:
    try:
        content = json.loads((folder / RECEIPT).read_text(encoding="utf-8"))
        return {name: _Noted.model_validate(item) for name, item in content.items()}
    except FileNotFoundError:
        return {}
    except (ValueError, ValidationError, AttributeError):
        return {}  # a damaged receipt proves nothing: the file is fetched again
