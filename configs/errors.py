"""Errors that a person can act on."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path


class PosestageError(Exception):
    """An expected failure: says what happened, to what, and what to try. Ends a command with exit code 1."""

    exit_code = 1


class BadInputError(PosestageError):
    """What the user gave cannot be used. Ends a command with exit code 2."""

    exit_code = 2


class MissingExtraError(PosestageError):
    """An optional dependency is not installed; the message names the extra to install."""

    exit_code = 2


def bad_input(
    problem: str,
    *,
    file: Path | str | None = None,
    key: str | None = None,
    value: object = ...,
    allowed: str | None = None,
    hint: str | None = None,
) -> BadInputError:
    """Build the one clear sentence: file, key, value, what is wrong, what is allowed, what to do."""
    place = [str(file)] if file is not None else []
    if key:
        place.append(key if value is ... else f"{key} = {_short(value)}")
    elif value is not ...:
        place.append(_short(value))
    sentence = f"{': '.join(place)}: {problem}" if place else problem
    if allowed:
        sentence += f"; allowed: {allowed}"
    if hint:
        sentence += f"; {hint}"
    return BadInputError(sentence)


def nearest(name: str, candidates: Iterable[str]) -> str | None:
    """The candidate a typo most likely meant, or None."""
    found = get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return found[0] if found else None


def did_you_mean(name: str, candidates: Iterable[str]) -> str | None:
    """A hint such as ``did you mean "fps"?``, or None when nothing is near."""
    found = nearest(name, candidates)
    return f'did you mean "{found}"?' if found else None


def _short(value: object, limit: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= limit else text[: limit - 1] + "…"
