"""Names that users may write in a configuration, and the class each one stands for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import Any

from configs.errors import MissingExtraError, bad_input, did_you_mean


class Registry:
    """A table from name to ``"module:attribute"``, imported only when asked for.

    A missing vendor package therefore hurts only who asks for it.

    Args:
        kind: What the entries are, for messages ("camera driver").
        table: Name to ``"package.module:Attribute"``.
        extras: Name to the optional extra of ``pyproject.toml`` it needs.
    """

    def __init__(self, kind: str, table: Mapping[str, str], extras: Mapping[str, str] | None = None) -> None:
        self.kind = kind
        self._table = dict(table)
        self._extras = dict(extras or {})

    def __iter__(self) -> Iterator[str]:
        return iter(self._table)

    def __contains__(self, name: object) -> bool:
        return name in self._table

    def check(self, name: str, *, file: str | None = None, key: str | None = None) -> None:
        """Raise BadInputError unless ``name`` is an entry."""
        if name not in self._table:
            raise bad_input(
                f"unknown {self.kind}",
                file=file,
                key=key,
                value=name,
                allowed=", ".join(self._table),
                hint=did_you_mean(name, self._table),
            )

    def load(self, name: str) -> Any:
        """The object behind ``name``.

        Raises:
            BadInputError: The name is not in the table.
            MissingExtraError: The package it needs is not installed.
        """
        self.check(name)
        module_name, _, attribute = self._table[name].partition(":")
        try:
            module = import_module(module_name)
        except ModuleNotFoundError as error:
            extra = self._extras.get(name)
            if extra is None:
                raise
            raise MissingExtraError(
                f'{self.kind} "{name}" needs the package {error.name}; run: pip install -e ".[{extra}]"'
            ) from error
        return getattr(module, attribute)
