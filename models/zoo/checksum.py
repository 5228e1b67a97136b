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
    """Say how ``path`` differs from what is expected, as far as that is known; None when it does not."""
    size = path.stat().st_size
    if expected.size is not None and size != expected.size:
        return f"has {size} bytes, expected {expected.size}"
    if expected.sha256 is not None and (found := sha256_of(path)) != expected.sha256:
        return f"has SHA-256 {found}, expected {expected.sha256}"
    return None
