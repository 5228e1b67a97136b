"""From the words of the command line to a command, its result and the exit code."""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version
from types import FrameType
from typing import NoReturn

from app.cli.command import Command, Result
from app.cli.console import Console, terminal
from app.cli.output import json_line, stdout_kept_for_result, write_result
from app.cli.parser import PROGRAM, command_parser, common_options, parse_command, top_level_help
from app.cli.table import COMMANDS, DEFAULT_COMMAND
from configs.errors import BadInputError, MissingExtraError, PosestageError
from configs.log_setup import configure_logging

EXIT_FAILURE = 1
EXIT_INTERRUPTED = 130
OUR_PACKAGES = ("app", "pipeline", "models", "calibration", "configs")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: Words after the program's name; None takes those of this process.

    Returns:
        Exit code: 0 ok, 2 bad input, 1 failure, 130 interrupted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    as_json = "--json" in words  # also when the rest cannot be parsed: the error is then JSON, too
    try:
        code, text = _run(words)
    except KeyboardInterrupt:
        code, text = EXIT_INTERRUPTED, _error_text("interrupted", EXIT_INTERRUPTED, as_json)
    except PosestageError as error:
        code, text = error.exit_code, _error_text(str(error), error.exit_code, as_json)
    except Exception as error:
        sys.stderr.write(traceback.format_exc())
        sentence = f"unexpected {type(error).__name__}: {error}"
        sys.stderr.write(
            f"This is a bug in Posestage. Please report it with the lines above, the command you ran "
            f'and the output of "{PROGRAM} doctor --json".\n'
        )
        code, text = EXIT_FAILURE, _error_text(sentence, EXIT_FAILURE, as_json)
    if text:
        write_result(text)
    return code


def _run(words: list[str]) -> tuple[int, str]:
    common, rest = common_options().parse_known_args(words)
    if rest and rest[0] in ("-h", "--help"):
        return 0, top_level_help().rstrip()
    if rest and rest[0] == "--version":
        return 0, f"Posestage {_version()}"
    name = rest.pop(0) if rest and not rest[0].startswith("-") else DEFAULT_COMMAND
    with _missing_packages_explained():
        command = _load(name)
        args = parse_command(command_parser(name, command), rest, common)
        if not command.configurable and (args.set or args.config):
            option = "--set" if args.set else "--config"
            raise BadInputError(f"{PROGRAM} {name} has no configuration; leave out {option}")
        _configure_logging(args.log_level)
        with (
            _requests_to_end(),
            stdout_kept_for_result() if args.json else contextlib.nullcontext(),
        ):
            result: Result = command.run(args, Console())
    text = json_line(result) if args.json else command.summary(result)
    return int(result.get("exit_code", 0)), text


def _load(name: str) -> Command:
    try:
        command: Command = COMMANDS.load(name)()
    except ModuleNotFoundError as error:
        if error.name != f"app.commands.{name}":
            raise
        raise PosestageError(f"{PROGRAM} {name} is not part of this version; see {PROGRAM} --help") from error
    return command


@contextlib.contextmanager
def _missing_packages_explained() -> Iterator[None]:
    """A package that is not installed is a matter of setting up, not a bug of ours."""
    try:
        yield
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if not package or package in OUR_PACKAGES:
            raise
        raise MissingExtraError(
            f"the Python package {package} is not installed for {sys.executable}; "
            f'run "make setup" and start with .venv/bin/python {PROGRAM}'
        ) from error


@contextlib.contextmanager
def _requests_to_end() -> Iterator[None]:
    """Let Ctrl-C and a polite request to end (systemd, timeout) save the work alike.

    SIGINT is set, too, because shells start background jobs of scripts with it ignored, and a script that
    captures in the background ends the capture with it.
    """

    def interrupt(signal_number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _configure_logging(level: str) -> None:
    screen = terminal()
    if screen is None:
        configure_logging(level, "main")
        return
    from rich.logging import RichHandler

    configure_logging(level, "main", RichHandler(console=screen, show_path=False, log_time_format="%X"))


def _error_text(sentence: str, code: int, as_json: bool) -> str:
    """Say the error on stderr; where JSON is asked for, also as the result."""
    sys.stderr.write(f"{sentence if sentence.startswith(PROGRAM) else f'{PROGRAM}: {sentence}'}\n")
    return json_line({"error": sentence, "exit_code": code}) if as_json else ""


def _version() -> str:
    try:
        return version("posestage")
    except PackageNotFoundError:
        return "(not installed; run make setup)"
