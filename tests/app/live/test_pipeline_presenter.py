"""Which pipelines there are, what they lack, and how they are changed."""

from pathlib import Path

import pytest

from app.live import pipeline_presenter
from app.live.jobs import fetch_models
from app.live.pipeline_presenter import PipelinePresenter
from models.zoo.imported import place_for
from pipeline.estimation import pipeline_config
from pipeline.estimation.pipeline_config import PIPELINE_FOLDER
from tests.support.played_session import PlayedJob


@pytest.fixture
def presenter(studio, jobs, tmp_path, monkeypatch):
    monkeypatch.setenv("POSESTAGE_MODELS", str(tmp_path / "models"))
    return PipelinePresenter(studio, PlayedJob)


def set_orders(studio):
    return [order[1:] for order in studio.session.orders if order[0] == "set_pipeline"]


def titles(presenter):
    return {choice.name: choice.title for choice in presenter.choices()}


def test_every_pipeline_file_is_a_choice_with_its_description(presenter):
    found = titles(presenter)
    assert {"auto", "none", "blazepose", "noisy_truth", "volumetric"} <= found.keys()
    assert found["noisy_truth"] == "noisy truth"
    assert "stand-in" in presenter.description


def test_a_pipeline_that_is_added_appears_by_itself(presenter, tmp_path, monkeypatch):
    for path in PIPELINE_FOLDER.glob("*.yaml"):
        (tmp_path / path.name).write_text(path.read_text())
    for module in (pipeline_config, pipeline_presenter):
        monkeypatch.setattr(module, "PIPELINE_FOLDER", tmp_path)
    before = titles(presenter)
    text = "version: 1\nname: brand_new\ndescription: Yours\nkeypoints: {type: noisy_truth}\n"
    (tmp_path / "brand_new.yaml").write_text(text)
    assert titles(presenter).keys() - before.keys() == {"brand_new"}


def test_choosing_changes_the_running_session(studio, presenter):
    presenter.choose("none")
    assert studio.pipeline == "none"
    assert set_orders(studio) == [], "nothing runs yet"
    studio.session.play("live", 1)
    presenter.choose("noisy_truth")
    assert set_orders(studio) == [("noisy_truth", ())]
    presenter.choose("none")
    assert set_orders(studio)[-1] == ("none", ())


def test_a_take_keeps_its_pipeline(studio, presenter):
    studio.session.play("live", 1)
    studio.session.play("recording", studio.takes_folder / "one")
    assert presenter.locked
    presenter.choose("none")
    assert studio.pipeline == "noisy_truth"
    assert set_orders(studio) == []


def test_automatic_is_the_stand_in_only_while_nothing_better_is_here(studio, presenter, monkeypatch):
    presenter.choose("auto")
    for installed, effective in ((False, "noisy_truth"), (True, "studio_lite")):
        monkeypatch.setattr("app.session.pipelines.runs_own_networks", lambda here=installed: here)
        assert presenter.effective == effective
    assert not presenter.missing
    real = [
        camera.model_copy(update={"driver": {"type": "usb", "device": 0}}) for camera in studio.rig.cameras
    ]
    studio.rig = studio.rig.model_copy(update={"cameras": tuple(real)})
    assert presenter.effective == "none"


def test_without_calibration_it_says_so(studio, presenter):
    assert not presenter.needs_calibration
    studio.hold_calibration(None)
    assert presenter.needs_calibration
    assert presenter.effective == "none"
    presenter.choose("none")
    assert not presenter.needs_calibration


def test_states_are_told_in_words(studio, presenter):
    assert presenter.state == ("quiet", "")
    studio.session.play("live", 1)
    for content, level, words in (
        (("loading", "blazepose", ""), "quiet", "Loading blazepose"),
        (("ready", "blazepose", ""), "good", "blazepose runs"),
        (("failed", "blazepose", "torch is not installed"), "bad", "torch is not installed"),
        (("none", "none", ""), "quiet", "No poses are made"),
    ):
        studio.session.play("pipeline", content)
        assert presenter.state[0] == level
        assert presenter.state[1].startswith(words)


def test_models_that_died_are_shown_until_they_are_back(studio, presenter):
    studio.session.play("live", 1)
    studio.session.play("pipeline", ("ready", "blazepose", ""))
    problem = "inference: ended unexpectedly (code -9); restarting in 0.1 s"
    studio.session.play("telemetry", {"inference": {"problem": problem}, "session": {"t_s": 0.0}})
    assert presenter.state == ("bad", "blazepose ended unexpectedly (code -9); restarting in 0.1 s")
    studio.session.play("telemetry", {"inference": {"problem": ""}, "session": {"t_s": 1.0}})
    assert presenter.state == ("good", "blazepose runs")


def test_missing_models_are_named_and_fetched(studio, presenter, jobs):
    studio.session.play("live", 1)
    presenter.choose("blazepose")
    assert set_orders(studio) == [("none", ())], "nothing is started that cannot run"
    [(name, entry)] = presenter.missing.items()
    assert (name, entry.licence.name, entry.size) == ("blazepose", "Apache-2.0", 2959046 + 6440512)
    presenter.fetch()
    presenter.fetch()
    [job] = jobs
    assert job.work == (fetch_models, ("blazepose",))
    assert presenter.fetching
    job.progress.emit(0.25, "blazepose: pose_detection.tflite, 2.3 of 9.4 MB")
    assert presenter.progress[0] == 0.25


def test_a_fetched_model_is_used_at_once(studio, presenter, jobs, monkeypatch):
    studio.session.play("live", 1)
    presenter.choose("blazepose")
    presenter.fetch()
    monkeypatch.setattr(pipeline_presenter, "missing_models", lambda config: {})
    jobs[0].done.emit(None)
    assert not presenter.fetching
    assert set_orders(studio)[-1] == ("blazepose", ())


def test_a_failed_fetch_says_why_and_can_be_tried_again(presenter, jobs):
    presenter.choose("blazepose")
    presenter.fetch()
    jobs[0].failed.emit("model blazepose could not be fetched: no network")
    assert presenter.fetch_problem == "model blazepose could not be fetched: no network"
    assert not presenter.fetching
    presenter.fetch()
    assert presenter.fetch_problem == ""
    presenter.cancel_fetch()
    assert jobs[1].was_cancelled
    assert (presenter.fetching, presenter.fetch_problem) == (False, "")


def test_weights_of_a_network_can_be_chosen_and_are_remembered(studio, presenter, jobs, monkeypatch):
    monkeypatch.setattr(pipeline_presenter, "missing_models", lambda config: {})
    place_for("mine").write_bytes(b"weights")
    assert presenter.weights_of("network") is None, "the stand-in has none"
    studio.session.play("live", 1)
    presenter.choose("algebraic")
    assert presenter.weights_of("network") == "untrained"
    assert presenter.weights_of("centre_network") is None
    assert presenter.weights_choices("network") == ["untrained", "mine"]
    presenter.choose_weights("network", "mine")
    assert set_orders(studio)[-1] == ("algebraic", ("network.weights=mine",))
    assert PipelinePresenter(studio, PlayedJob).weights_of("network") == "mine"


def test_a_file_of_ones_own_is_a_choice_and_read_again_when_it_changes(presenter, tmp_path):
    own = tmp_path / "own.yaml"
    own.write_text("version: 1\nname: own\ndescription: First\nkeypoints: {type: noisy_truth}\n")
    presenter.choose(str(own))
    assert titles(presenter)[str(own)] == "own.yaml"
    assert presenter.description == "First"
    own.write_text("version: 1\nname: own\nkeypoints: {typ: noisy_truth}\n")
    import os

    os.utime(own, (1, 1))
    assert "needs a key type" in presenter.description
    Path(own).unlink()
    assert presenter.description


def test_models_needed_by_others_are_found_by_name(presenter, monkeypatch):
    from app.session.pipelines import models_of
    from pipeline.estimation.pipeline_config import load_pipeline

    assert models_of(load_pipeline("volumetric")) == ("blazepose",)
    assert models_of(load_pipeline("noisy_truth")) == ()
