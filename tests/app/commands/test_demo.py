"""The demo as a newcomer runs it: with the network that comes with the program."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from app.cli.console import Console
from app.cli.main import main
from app.commands.demo import _best_available
from pipeline.take.take import Take

pytest.importorskip("torch", reason="the extra 'learned' is not installed")


@pytest.mark.slow
def test_our_own_network_follows_the_performer(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [
        "demo",
        "--headless",
        "--seconds",
        "4",
        "--size",
        "320x240",
        "--set",
        "stream.address=''",
        "--out",
        str(tmp_path / "demo"),
    ]
    assert main([*words, "--json"]) == 0
    result = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (result["pipeline"], result["label"]) == ("studio_lite", "")
    # 19 mm were seen at 640 x 480; who is lost or turned round is 150 mm off.
    assert result["truth"]["mpjpe_mm"] < 40
    # On a busy machine there are instants that one camera alone has a picture of, which say nothing in space.
    poses = Take.open(tmp_path / "demo").poses()
    assert poses is not None
    together = (poses.view_times_ns >= 0).sum(axis=1) > 1
    assert np.isfinite(poses.joints[together, 0, :, 0]).mean() > 0.95


def test_without_torch_there_is_a_stand_in_and_a_word_about_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.session.pipelines.runs_own_networks", lambda: False)
    assert _best_available(Console()) == "noisy_truth"
    assert "learned" in capsys.readouterr().err
