"""The options every command shares, and an argparse that fails with one sentence."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NoReturn

from app.cli.command import Command
from app.cli.table import TABLE
from configs.errors import BadInputError, did_you_mean

LOG_LEVELS = ("debug", "info", "warning", "error")
PROGRAM = "launch.py"


class Parser(argparse.ArgumentParser):
    """Raises instead of ending the process, and takes no abbreviated options."""

    def __init__(self, **settings: Any) -> None:
        settings.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**{"allow_abbrev": False, **settings})

    def error(self, message: str) -> NoReturn:
        """Turn an argparse complaint into our error."""
        raise BadInputError(f"{self.prog}: {message}; see {self.prog} --help")


def common_options() -> Parser:
    """``--json``, ``--set``, ``--config`` and ``--log-level``; accepted before and after the command."""
    parser = Parser(add_help=False, prog=PROGRAM)
    group = parser.add_argument_group("options of every command")
    group.add_argument(
        "--json", action="store_true", help="print the result as one JSON object, the last line of stdout"
    )
    group.add_argument(
        "--config", type=Path, metavar="FILE", help="yaml file with the configuration to start from"
    )
    group.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH.TO.KEY=VALUE",
        help="change one value of the configuration; may be repeated",
    )
    group.add_argument(
        "--log-level", choices=LOG_LEVELS, default="info", help="least important messages to show (info)"
    )
    return parser


def top_level_help() -> str:
    """What ``launch.py --help`` prints."""
    width = max(len(line.name) for line in TABLE)
    rows = "\n".join(f"  {line.name:<{width}}  {line.summary}" for line in TABLE)
    parser = Parser(
        prog=PROGRAM,
        usage=f"{PROGRAM} [COMMAND] [options]",
        description="Posestage: real-time, multi-camera markerless motion capture.",
        parents=[common_options()],
        epilog=f"commands:\n{rows}\n\nexamples:\n  {PROGRAM} demo\n  {PROGRAM} demo --help\n",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    return parser.format_help()


def command_parser(name: str, command: Command) -> Parser:
    """The parser of one command, its own options first."""
    example = "\n".join(f"  {line.strip()}" for line in command.example.strip().splitlines())
    parser = Parser(
        prog=f"{PROGRAM} {name}",
        description=command.description,
        epilog=f"example:\n{example}",
        parents=[common_options()],
    )
    command.add_arguments(parser)
    return parser


def parse_command(parser: Parser, words: Sequence[str], common: argparse.Namespace) -> argparse.Namespace:
    """Parse a command's words on top of the common options already read.

    Raises:
        BadInputError: A word fits nothing; names the nearest option.
    """
    args, unknown = parser.parse_known_args(list(words), namespace=common)
    if unknown:
        word = unknown[0]
        hint = did_you_mean(word.partition("=")[0], _option_names(parser)) if word.startswith("-") else None
        kind = "option" if word.startswith("-") else "argument"
        raise BadInputError(
            f'{parser.prog}: unknown {kind} "{word}"; ' + (hint or f"see {parser.prog} --help")
        )
    return args


def _option_names(parser: argparse.ArgumentParser) -> Iterator[str]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for child in action.choices.values():
                yield from _option_names(child)
        yield from action.option_strings
