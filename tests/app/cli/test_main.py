"""Exit codes, where output goes, and what an error looks like, for a command that does as it is told."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from app.cli import main as cli
from configs.registry import Registry


@pytest.fixture(autouse=True)
def example_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {
        "example": "tests.support.example_command:Command",
        "rigid": "tests.support.example_command:Rigid",
        "future": "app.commands.future:Command",
    }
    monkeypatch.setattr(cli, "COMMANDS", Registry("command", table))
    monkeypatch.setattr(cli, "DEFAULT_COMMAND", "example")


def test_people_get_the_summary_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["example", "--frames", "3"]) == 0
    captured = capfd.readouterr()
    assert captured.out.splitlines()[-1] == "3 frames"
    assert captured.err == "a remark\n"


def test_programs_get_one_json_object_and_nothing_else_on_stdout(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["example", "--json"]) == 0
    captured = capfd.readouterr()
    assert captured.out.count("\n") == 1
    assert json.loads(captured.out) == {"frames": 2, "error_mm": [1.5, None], "gain": 1.0, "label": "none"}
    for noise in ("noise from Python", "noise from a library", "a remark"):
        assert noise in captured.err


@pytest.mark.parametrize("words", [["--json", "example"], ["example", "--json"], ["--json"]])
def test_common_options_stand_before_or_after_or_without_the_command(
    words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main([*words, "--frames", "1"]) == 0
    assert json.loads(capfd.readouterr().out)["frames"] == 1


@pytest.mark.parametrize(
    ("end", "code", "words"),
    [
        ("bad", 2, ["--end = 'bad': must be well"]),
        ("failed", 1, ["the camera left the room"]),
        ("bug", 1, ["ZeroDivisionError: divided by nothing", "Traceback", "Please report it"]),
        ("package", 2, ["package_that_is_not_here is not installed", "make setup"]),
        ("interrupted", 130, ["interrupted"]),
        ("terminated", 130, ["interrupted"]),
    ],
)
def test_every_end_has_its_exit_code_and_sentence(
    end: str, code: int, words: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    before = signal.getsignal(signal.SIGTERM)
    assert cli.main(["example", "--end", end]) == code
    plain = capfd.readouterr()
    assert "frames" not in plain.out
    for word in words:
        assert word in plain.err
    assert ("Traceback" in plain.err) == (end == "bug")
    assert signal.getsignal(signal.SIGTERM) == before

    assert cli.main(["example", "--json", "--end", end]) == code
    captured = capfd.readouterr()
    error = json.loads(captured.out)
    assert set(error) == {"error", "exit_code"}
    assert error["exit_code"] == code
    assert error["error"] in captured.err or end == "bug"


def test_interrupted_work_that_was_saved_still_has_its_result(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["example", "--json", "--end", "saved"]) == 130
    assert json.loads(capfd.readouterr().out) == {"frames": 1, "exit_code": 130}


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["exampel"], ["'exampel': unknown command", 'did you mean "example"?']),
        (["example", "--frame", "3"], ['unknown option "--frame"', 'did you mean "--frames"?']),
        (["example", "--zzz"], ['unknown option "--zzz"', "see launch.py example --help"]),
        (["example", "stray"], ['unknown argument "stray"']),
        (["example", "--frames", "many"], ["--frames", "'many'", "see launch.py example --help"]),
        (["example", "--log-level", "loud"], ["--log-level", "'loud'", "debug"]),
        (["example", "--set", "gian=2"], ["gian", 'did you mean "gain"?']),
        (["example", "--set", "gain=-2"], ["--set: gain = -2", "greater than 0"]),
        (["example", "--config", "nowhere.yaml"], ["nowhere.yaml: no such file"]),
        (["rigid", "--set", "gain=2"], ["launch.py rigid has no configuration; leave out --set"]),
        (["rigid", "--config", "a.yaml"], ["leave out --config"]),
    ],
)
def test_wrong_words_end_with_2_and_one_sentence(
    words: list[str], parts: list[str], capfd: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(words) == 2
    sentence = capfd.readouterr().err.splitlines()[-1]
    for part in parts:
        assert part in sentence
    assert cli.main([*words, "--json"]) == 2
    assert json.loads(capfd.readouterr().out)["exit_code"] == 2


def test_a_command_of_the_table_that_is_not_there_yet(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["future"]) == 1
    assert capfd.readouterr().err == "launch.py future is not part of this version; see launch.py --help\n"


def test_configuration_file_then_overrides(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "settings.yaml"
    path.write_text("gain: 3\nlabel: file\n", encoding="utf-8")
    words = ["example", "--json", "--config", str(path), "--set", "gain=2.5", "--set", "label=first"]
    assert cli.main([*words, "--set", "label=last"]) == 0
    result = json.loads(capfd.readouterr().out)
    assert (result["gain"], result["label"]) == (2.5, "last")


def test_a_negative_number_is_a_value_and_no_option(capfd: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["example", "--frames", "-1", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)["frames"] == -1


def test_a_background_job_of_a_script_hears_sigint(capfd: pytest.CaptureFixture[str]) -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # as shells start such jobs
    try:
        assert cli.main(["example", "--json", "--end", "saved"]) == 130
        assert signal.getsignal(signal.SIGINT) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert json.loads(capfd.readouterr().out)["frames"] == 1
