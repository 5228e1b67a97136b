"""What a command says while it works. Everything here goes to stderr; stdout belongs to the result."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING

from app.cli.progress import LineProgress, ProgressBar, RichProgress, bars_on

if TYPE_CHECKING:
    import rich.console
    import rich.progress


@cache
def terminal() -> rich.console.Console | None:
    """The terminal behind stderr, or None when stderr goes to a file or a pipe.

    There is one object for log records and progress bars, so that neither draws over the other.
    """
    if not sys.stderr.isatty():
        return None
    from rich.console import Console as RichConsole

    return RichConsole(stderr=True)


class Console:
    """Remarks and progress of one command."""

    def tell(self, text: str) -> None:
        """One remark for people, above a progress bar if there is one."""
        screen = terminal()
        if screen is None:
            sys.stderr.write(f"{text}\n")
            sys.stderr.flush()
        else:
            screen.print(text, markup=False, highlight=False)

    @contextmanager
    def progress(self, title: str, total: float | None = None, unit: str = "") -> Iterator[ProgressBar]:
        """Show how far a long piece of work has come.

        Args:
            title: What is being done, such as ``"triangulating"``.
            total: How much there is to do, None when nobody knows yet.
            unit: What is counted, such as ``"frames"``; ``"B"`` shows kB and MB.
        """
        bars = _bars()
        with RichProgress(bars, title, total, unit) if bars else LineProgress(title, total, unit) as bar:
            yield bar


@cache
def _bars() -> rich.progress.Progress | None:
    screen = terminal()
    return None if screen is None else bars_on(screen)
