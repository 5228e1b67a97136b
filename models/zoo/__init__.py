"""Networks made by others: fetched on request, recognised by their SHA-256, kept in the user's folder.

The functions act on ``store``, by default the user's own (``default_store``); see ``ModelStore``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from models.zoo.download import Progress
from models.zoo.store import FetchError, ModelStatus, ModelStore, default_store

__all__ = [
    "FetchError",
    "ModelStatus",
    "ModelStore",
    "Progress",
    "default_store",
    "fetch",
    "import_files",
    "info",
    "list_models",
    "model_file",
]


def list_models(store: ModelStore | None = None) -> list[ModelStatus]:
    """Every model that can be fetched; see ``ModelStore.list_models``."""
    return (store or default_store()).list_models()


def info(name: str, store: ModelStore | None = None) -> ModelStatus:
    """One model; see ``ModelStore.info``."""
    return (store or default_store()).info(name)


def model_file(name: str, member: str, store: ModelStore | None = None) -> Path:
    """A verified file of a model; see ``ModelStore.model_file``."""
    return (store or default_store()).model_file(name, member)


def import_files(name: str, paths: Iterable[Path], store: ModelStore | None = None) -> ModelStatus:
    """Take a model from local files; see ``ModelStore.import_files``."""
    return (store or default_store()).import_files(name, paths)


def fetch(
    name: str,
    *,
    accept_licence: bool = False,
    source: str | None = None,
    from_file: Path | Sequence[Path] | None = None,
    progress: Progress | None = None,
    store: ModelStore | None = None,
) -> ModelStatus:
    """Make a model complete; see ``ModelStore.fetch``."""
    return (store or default_store()).fetch(
        name, accept_licence=accept_licence, source=source, from_file=from_file, progress=progress
    )
