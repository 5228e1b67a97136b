"""Model files that travel inside a zip archive that anybody could have made."""

from __future__ import annotations

import re
import stat
import zipfile
import zlib
from pathlib import Path
from typing import IO

from models.zoo.checksum import difference
from models.zoo.manifest import FileEntry

CHUNK = 1 << 20


class ArchiveError(Exception):
    """The archive is broken, hostile or not the one meant; the message is the reason."""


def unpack_member(archive: Path, member: str, expected: FileEntry, target: Path) -> None:
    """Write one file of an archive to ``target``; nothing else is written anywhere.

    Paths inside the archive only serve to find the file: it must be the only one of its name, and neither the
    size that the archive claims nor one that grows while it is unpacked may exceed what is expected.

    Args:
        archive: The zip file.
        member: Last part of the file's path inside.
        expected: How large it may be; its SHA-256 is checked by ``unpack_verified``.
        target: Replaced if it exists.

    Raises:
        ArchiveError: No such file, several, a link, an encrypted or damaged one, a path that leads out of the
            archive, or too many bytes.
    """
    try:
        with (
            zipfile.ZipFile(archive) as opened,
            opened.open(_find(opened, member)) as source,
            target.open("wb") as out,
        ):
            _copy(source, out, member, expected.at_most)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        target.unlink(missing_ok=True)
        raise ArchiveError(str(error) or type(error).__name__) from error
    except ArchiveError:
        target.unlink(missing_ok=True)
        raise


def unpack_verified(archive: Path, member: str, expected: FileEntry, target: Path) -> None:
    """``unpack_member``, and the bytes are the expected ones as far as those are known.

    Raises:
        ArchiveError: See ``unpack_member``; or other bytes.
    """
    unpack_member(archive, member, expected, target)
    wrong = difference(target, expected)
    if wrong:
        target.unlink()
        raise ArchiveError(f"{member} {wrong}")


def _copy(source: IO[bytes], out: IO[bytes], member: str, at_most: int) -> None:
    written = 0
    while chunk := source.read(CHUNK):
        written += len(chunk)
        if written > at_most:
            raise ArchiveError(f"{member} unpacks to more than {at_most} bytes")
        out.write(chunk)


def _find(opened: zipfile.ZipFile, member: str) -> zipfile.ZipInfo:
    named = [item for item in opened.infolist() if re.split(r"[/\\]", item.filename)[-1] == member]
    if len(named) != 1:
        raise ArchiveError(f"it holds {len(named)} files called {member} instead of one")
    found = named[0]
    parts = re.split(r"[/\\]", found.orig_filename)
    if ".." in parts or parts[0] == "" or ":" in parts[0]:
        raise ArchiveError(f"the path {found.orig_filename!r} leads out of it")
    if stat.S_ISLNK(found.external_attr >> 16):
        raise ArchiveError(f"{member} is a link")
    if found.flag_bits & 1:
        raise ArchiveError(f"{member} is encrypted")
    return found
