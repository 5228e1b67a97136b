"""What is remembered, and that nothing on disk can keep the desktop from starting."""

from __future__ import annotations

import logging

import pytest

from app.preferences import Preferences


def test_round_trip(tmp_path):
    file = tmp_path / "deep" / "desktop.yaml"
    first = Preferences.load(file)
    first.theme = "light"
    first.takes_folder = tmp_path / "takes"
    first.remember_rig(tmp_path / "a.yaml")
    first.remember_rig(tmp_path / "b.yaml")
    first.remember_rig(tmp_path / "a.yaml")
    again = Preferences.load(file)
    assert again.theme == "light"
    assert again.takes_folder == tmp_path / "takes"
    assert again.rig_path == tmp_path / "a.yaml"
    assert again.recent_rigs == [tmp_path / "a.yaml", tmp_path / "b.yaml"]


@pytest.mark.parametrize(
    "content", [b"", b"[1, 2", b"theme: purple\n", b"\xff\xfe\x00", b"- a list\n", b"pages: 3\n"]
)
def test_a_damaged_file_costs_the_preferences_only(tmp_path, content, caplog):
    file = tmp_path / "desktop.yaml"
    file.write_bytes(content)
    with caplog.at_level(logging.CRITICAL):
        found = Preferences.load(file)
    assert found.theme == "dark"


def test_keys_of_a_newer_version_are_left_alone(tmp_path):
    file = tmp_path / "desktop.yaml"
    file.write_text("theme: light\nsomething_new: 3\n")
    assert Preferences.load(file).theme == "light"


def test_a_place_that_cannot_be_written_is_not_fatal(tmp_path, caplog):
    (tmp_path / "file").write_text("in the way")
    preferences = Preferences.load(tmp_path / "file" / "desktop.yaml")
    with caplog.at_level(logging.WARNING):
        preferences.save()
    assert "could not be saved" in caplog.text
