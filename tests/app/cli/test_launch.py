"""The real program in a real process."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.parser import command_parser, common_options, parse_command
from app.cli.table import COMMANDS, TABLE

ROOT = Path(__file__).resolve().parents[3]


def launch(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(ROOT / "launch.py"), *words],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **environment},
    )


def test_help_lists_every_command() -> None:
    done = launch("--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert len({line.name for line in TABLE}) == len(TABLE)
    for line in TABLE:
        assert re.search(rf"^  {line.name} +{re.escape(line.summary)}$", done.stdout, re.MULTILINE)


def test_version() -> None:
    done = launch("--version")
    assert done.returncode == 0
    assert re.fullmatch(r"Posestage \d+\.\d+\.\d+\S*\n", done.stdout)


@pytest.mark.parametrize("name", list(COMMANDS))
def test_help_of_every_command_has_a_runnable_example(name: str) -> None:
    command = COMMANDS.load(name)()
    text = command_parser(name, command).format_help()
    for option in ("--json", "--set", "--config", "--log-level"):
        assert option in text
    examples = [line.split() for line in text.partition("example:\n")[2].splitlines()]
    assert examples
    for words in examples:
        assert words[0] == "launch.py"
        assert words[1:2] == [name] or name == "gui"
        common, rest = common_options().parse_known_args(words[2:])
        parse_command(command_parser(name, COMMANDS.load(name)()), rest, common)


def test_help_of_one_command() -> None:
    done = launch("models", "fetch", "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert "--source" in done.stdout


def test_models_list_in_an_empty_store(tmp_path: Path) -> None:
    done = launch("models", "list", "--json", POSESTAGE_MODELS=str(tmp_path))
    assert done.returncode == 0, done.stderr
    models = {model["name"]: model for model in json.loads(done.stdout)["models"]}
    assert models["blazepose"]["ready"] is False
    assert models["blazepose"]["licence"]["name"] == "Apache-2.0"


def test_log_records_go_to_stderr_with_time_and_process(tmp_path: Path) -> None:
    code = (
        "import logging, sys\n"
        "from app.cli import main as cli\n"
        "from configs.registry import Registry\n"
        "cli.COMMANDS = Registry('command', {'example': 'tests.support.example_command:Command'})\n"
        "sys.exit(cli.main(sys.argv[1:]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "example", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] == 2
    assert re.search(
        r"^\d\d:\d\d:\d\d\.\d{3} main info pipeline\.example: a record$", done.stderr, re.MULTILINE
    )


def test_a_reader_that_goes_away_is_no_error() -> None:
    done = subprocess.run(
        f"{sys.executable} {ROOT / 'launch.py'} --help | true",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
