"""Files of weights that will not do: one sentence and exit code 2 each, and nothing is kept."""

from __future__ import annotations

import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from app.cli.main import main
from models.checkpoints.architectures import build_network
from models.checkpoints.writing import ModelCard, write_checkpoint

SETTINGS = {"width": 16, "stages": 1}
State = dict[str, torch.Tensor]
WORDS = ("--as", "simple_baseline", "--setting", "width=16", "--setting", "stages=1")


def state() -> State:
    torch.manual_seed(0)
    return dict(build_network("simple_baseline", SETTINGS).state_dict())


def stored(value: object) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


class Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return (Path.touch, (Path("harm"),))


def without_a_tensor() -> bytes:
    return stored(dict(list(state().items())[1:]))


def of_another_width() -> bytes:
    return stored(dict(build_network("simple_baseline", {"width": 24, "stages": 1}).state_dict()))


def with_words() -> bytes:
    return stored(state() | {next(iter(state())): "weights"})


def zipped_text() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("readme.txt", "no weights")
    return buffer.getvalue()


CASES: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "empty": ("weights.pth", lambda: b"", "weights.pth"),
    "a picture": ("weights.pth", lambda: b"\x89PNG\r\n\x1a\n" + bytes(500), "weights.pth"),
    "cut off": ("weights.pth", lambda: stored(state())[:-2000], "weights.pth"),
    "a zip of something else": ("weights.pth", zipped_text, "weights.pth"),
    "a program in a pickle": ("weights.pth", lambda: pickle.dumps(Harmful()), "weights.pth"),
    "a program in torch's file": ("weights.pth", lambda: stored({"a": Harmful()}), "weights.pth"),
    "a list": ("weights.pth", lambda: stored([1, 2, 3]), "weights.pth"),
    "nothing in it": ("weights.pth", lambda: stored({}), "weights.pth"),
    "a tensor is missing": ("weights.pth", without_a_tensor, "missing"),
    "one too many": ("weights.pth", lambda: stored(state() | {"more": torch.ones(3)}), "more"),
    "another width": ("weights.pth", of_another_width, "does not fit"),
    "words instead of numbers": ("weights.pth", with_words, "weights.pth"),
    "damaged safetensors": ("weights.safetensors", lambda: save(state())[40:], "weights.safetensors"),
    "safetensors cut off": ("weights.safetensors", lambda: save(state())[:-100], "weights.safetensors"),
    "another ending": ("weights.txt", lambda: b"text", "weights.txt"),
}


@pytest.fixture(autouse=True)
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "store"


@pytest.mark.parametrize("case", CASES)
def test_one_sentence_each(
    case: str, tmp_path: Path, own_store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name, content, words = CASES[case]
    (tmp_path / name).write_bytes(content())
    assert main(["models", "import", name, *WORDS, "--name", "mine"]) == 2
    said = capsys.readouterr().err.strip().splitlines()
    assert words in said[-1] and "Traceback" not in "\n".join(said)
    assert not list(own_store.rglob("*.safetensors")) and not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("absent.pth", *WORDS), "absent.pth: no such file"),
        ((".", *WORDS), ".: no such file"),
        (("good.pth", "--as", "simple_baseline", "--setting", "width=-3"), "width"),
        (("good.pth", "--as", "simple_baseline", "--setting", "depth=3"), "depth"),
        (("good.pth", "--as", "gridconv", "--setting", "padding=[c,z]"), "does not fit"),
        (("good.pth", *WORDS, "--name", "../mine"), "plain name"),
    ],
)
def test_words_that_do_not_go_with_a_good_file(
    words: tuple[str, ...], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "good.pth").write_bytes(stored(state()))
    assert main(["models", "import", *words]) == 2
    assert said in capsys.readouterr().err.strip().splitlines()[-1]


def test_settings_that_contradict_the_card(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = ModelCard(architecture="simple_baseline", settings=SETTINGS, source="a test")
    write_checkpoint(tmp_path / "mine.safetensors", state(), card)
    words = ["models", "export", "mine.safetensors", "--out", "mine.onnx", "--setting", "width=1024"]
    assert main(words) == 2
    assert "settings.width = 1024: contradicts the card" in capsys.readouterr().err
