"""Whether a file holds the bytes it should."""

from __future__ import annotations

import hashlib
from pathlib import Path

from models.zoo.manifest import FileEntry


def sha256_of(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def difference(path: Path, expected: FileEntry) -> str | None:
    """Say how ``path`` differs from what is expected; None when it is exactly that file."""
    size = path.stat().st_size
    if size != expected.size:
        return f"has {size} bytes, expected {expected.size}"
    found = sha256_of(path)
    if found != expected.sha256:
        return f"has SHA-256 {found}, expected {expected.sha256}"
    return None
