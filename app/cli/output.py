"""The result on stdout: JSON for programs, text for people."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any


def json_line(result: Mapping[str, Any]) -> str:
    """One line of strict JSON; numpy values become numbers and lists, NaN and infinity null."""
    return json.dumps(_plain(result), allow_nan=False, ensure_ascii=False)


@contextlib.contextmanager
def stdout_kept_for_result() -> Iterator[None]:
    """Send everything written to stdout, also by libraries and child processes, to stderr meanwhile."""
    sys.stdout.flush()
    kept = os.dup(1)
    try:
        os.dup2(2, 1)
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def write_result(text: str) -> None:
    """Write to stdout; a reader that went away (``| head``) is no error."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        # Python flushes stdout again at exit; give it a place where that works.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def columns(rows: Sequence[Sequence[str]], indent: str = "") -> str:
    """Rows of words as aligned columns."""
    widths = [max(len(row[index]) for row in rows) for index in range(len(rows[0]))] if rows else []
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"{indent}{line}".rstrip() for line in lines)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (str, bool, int)) or value is None:
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if hasattr(value, "tolist"):  # numpy scalars and arrays, without importing numpy
        return _plain(value.tolist())
    raise TypeError(f"a command's result holds a {type(value).__name__}, which has no JSON form")
