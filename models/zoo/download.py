"""One file over HTTP, resumed where an earlier attempt was cut off."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from pathlib import Path

import requests

from models.zoo.checksum import difference
from models.zoo.manifest import FileEntry

logger = logging.getLogger(__name__)

Progress = Callable[[str, int, int], None]
"""Called with file name, bytes so far and bytes in all, 0 while that is not known."""

CONNECT_TIMEOUT_S = 10.0
READ_TIMEOUT_S = 30.0
ATTEMPTS = 4
CHUNK = 1 << 14


class SourceError(Exception):
    """A source cannot deliver; the message is the reason. The next source is tried."""


def download(
    url: str,
    part: Path,
    expected: FileEntry,
    *,
    name: str,
    progress: Progress | None = None,
    pause_s: float = 1.0,
) -> None:
    """Bring ``part`` to the complete file, verified as far as ``expected`` knows it.

    What ``part`` already holds is kept and only the rest is asked for; a server that ignores the range
    starts over. A connection that breaks after some bytes is resumed a few times. Bytes that turn out
    wrong are deleted.

    Args:
        url: Address; redirects are followed.
        part: Where the bytes collect, also between calls.
        expected: Size and SHA-256 of the complete file; where the size is not known, the server's is taken.
        name: What progress reports call the file.
        progress: Called now and then.
        pause_s: Wait before a broken connection is resumed, doubled each time.

    Raises:
        SourceError: The file did not come, or is not the expected one.
    """
    goal = expected.size
    for attempt in range(ATTEMPTS):
        before = _size(part)
        try:
            goal = _fetch_rest(url, part, expected, name, progress)
        except requests.RequestException as error:
            # Without a single new byte, trying again at once is pointless: the next source may be better.
            if _size(part) <= before or attempt == ATTEMPTS - 1:
                raise SourceError(f"{name}: {_reason(error)}") from error
            logger.info("%s: connection broke at %d bytes, resuming", name, _size(part))
            time.sleep(pause_s * 2**attempt)
            continue
        if goal is not None and _size(part) < goal and attempt < ATTEMPTS - 1 and _size(part) > before:
            logger.info("%s: the server stopped at %d bytes, resuming", name, _size(part))
            time.sleep(pause_s * 2**attempt)
            continue
        break
    if goal is not None and _size(part) < goal:
        raise SourceError(
            f"{name}: only {_size(part)} of {goal} bytes came; they are kept for the next fetch"
        )
    wrong = difference(part, expected)
    if wrong:
        part.unlink()
        raise SourceError(f"{name}: the downloaded file {wrong}; it was deleted")


def _fetch_rest(
    url: str, part: Path, expected: FileEntry, name: str, progress: Progress | None
) -> int | None:
    """Ask for what is missing; returns the size of the whole file where it is known by then."""
    have = _size(part)
    if have > expected.at_most:
        part.unlink()
        have = 0
    if have == expected.size:
        return have
    headers = {"Accept-Encoding": "identity"}
    if have:
        headers["Range"] = f"bytes={have}-"
    with requests.get(
        url, headers=headers, stream=True, timeout=(CONNECT_TIMEOUT_S, READ_TIMEOUT_S)
    ) as response:
        if response.status_code == 416 and have:
            if expected.size is None and response.headers.get("Content-Range") == f"bytes */{have}":
                return have
            part.unlink()
            raise SourceError(
                f"{name}: the server cannot resume at byte {have}; the partial file was deleted"
            )
        response.raise_for_status()
        resumed = response.status_code == 206
        start, total = _promise(response)
        if resumed and start != have:
            raise SourceError(f"{name}: the server answered with another range than asked for")
        if expected.size is not None and total not in (None, expected.size):
            raise SourceError(f"{name}: the server offers a file of {total} bytes, expected {expected.size}")
        goal = expected.size if expected.size is not None else total
        if have and not resumed:
            logger.info("%s: the server does not resume, starting over", name)
            have = 0
        # A connection cut short then hands over its last bytes instead of raising; the size is checked below.
        response.raw.enforce_content_length = False
        with part.open("ab" if resumed else "wb") as stream:
            for chunk in response.iter_content(CHUNK):
                have += len(chunk)
                if have > expected.at_most:
                    break
                stream.write(chunk)
                if progress:
                    progress(name, have, goal or 0)
    if have > expected.at_most:
        part.unlink()
        raise SourceError(
            f"{name}: more than the expected {expected.at_most} bytes came; the file was deleted"
        )
    return goal


def _promise(response: requests.Response) -> tuple[int, int | None]:
    """First byte and size of the whole file, as far as the headers tell."""
    if response.status_code == 206:
        found = re.match(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
        if not found:
            return -1, None
        return int(found.group(1)), None if found.group(2) == "*" else int(found.group(2))
    length = response.headers.get("Content-Length", "")
    return 0, int(length) if length.isdigit() else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _reason(error: requests.RequestException) -> str:
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code} {error.response.reason}"
    if isinstance(error, requests.Timeout):
        return "no answer in time"
    root: BaseException = error
    while (inner := root.__cause__ or root.__context__) is not None:
        root = inner
    return f"{type(error).__name__}: {root}"
