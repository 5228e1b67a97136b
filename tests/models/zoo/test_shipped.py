"""Networks that come with the program are found by name, open, and say what they were made of."""

from __future__ import annotations

from pathlib import Path

import pytest

from configs.errors import BadInputError
from models.checkpoints.writing import read_card
from models.evaluation.lifting_run import Lifter, evaluate_simulated
from models.lifting.predictor import LiftingConfig, LiftingPredictor
from models.zoo.imported import imported_file, place_for
from models.zoo.shipped import shipped_file, shipped_names
from models.zoo.store import ModelStore, default_store

LARGEST_BYTES = 4_000_000
LIMITS_MM = {"simulated_simple_baseline": 65.0, "simulated_gridconv": 90.0}
"""Of the mean error as trained: what docs/results.md says, and a tenth for so few poses."""


def test_all_of_them_are_small_and_have_a_card() -> None:
    assert set(LIMITS_MM) <= set(shipped_names())
    for name in LIMITS_MM:
        path = shipped_file(name)
        assert path is not None and path.stat().st_size < LARGEST_BYTES
        card = read_card(path)
        assert card.licence == "MIT" and "MPJPE" in card.note and card.settings["fills_missing"]
    assert shipped_file("nobody") is None


@pytest.mark.parametrize("name", LIMITS_MM)
def test_they_lift(name: str) -> None:
    predictor = LiftingPredictor(LiftingConfig(weights=name))
    assert name in predictor.name
    assert evaluate_simulated(Lifter(name), "val", 400)["all errors"]["mpjpe_mm"] < LIMITS_MM[name]


def test_an_imported_network_goes_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ModelStore(tmp_path, default_store().manifest)
    monkeypatch.setattr("models.zoo.imported.default_store", lambda: store)
    assert imported_file("simulated_gridconv").parent.name == "weights"
    place_for("simulated_gridconv").write_bytes(b"mine")
    assert imported_file("simulated_gridconv").read_bytes() == b"mine"
    with pytest.raises(BadInputError, match="simulated_simple_baseline"):
        imported_file("simulated_simple_baselin")
