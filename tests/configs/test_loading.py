"""Every way a configuration can be wrong ends in one sentence that names file, key, value and way out."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

import pytest
from pydantic import Field, field_validator, model_validator

from configs.errors import BadInputError
from configs.loading import Config, apply_overrides, load_config, parse_config, read_yaml


class LensConfig(Config):
    focal_mm: float = Field(default=4.0, gt=0)
    kind: Literal["pinhole", "fisheye"] = "pinhole"


class CameraConfig(Config):
    name: str
    fps: float = Field(default=30.0, gt=0, le=1000)
    lens: LensConfig = LensConfig()


class StudioConfig(Config):
    cameras: tuple[CameraConfig, ...] = ()
    title: str = "studio"

    @field_validator("title")
    @classmethod
    def _has_a_title(cls, title: str) -> str:
        if not title.strip():
            raise ValueError("Must not be empty")
        return title

    @model_validator(mode="after")
    def _at_most_two(self) -> StudioConfig:
        if len(self.cameras) > 2:
            raise ValueError("at most two cameras fit in here")
        return self


def write(folder: Path, text: str) -> Path:
    path = folder / "studio.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def complaint(path: Path, overrides: tuple[str, ...] = ()) -> str:
    with pytest.raises(BadInputError) as caught:
        load_config(StudioConfig, path, overrides)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert caught.value.exit_code == 2
    return sentence


def test_a_good_file_becomes_a_frozen_typed_tree(tmp_path: Path) -> None:
    path = write(tmp_path, "title: hall\ncameras:\n- {name: left, fps: 60, lens: {kind: fisheye}}\n")
    studio = load_config(StudioConfig, path)
    assert studio == StudioConfig(
        title="hall", cameras=(CameraConfig(name="left", fps=60.0, lens=LensConfig(kind="fisheye")),)
    )
    with pytest.raises(ValueError, match="frozen"):
        studio.title = "other"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("titel: hall\n", ["titel", "unknown key", "cameras, title", 'did you mean "title"']),
        (
            "cameras: [{name: a, lens: {focal_m: 1}}]\n",
            ["cameras.0.lens.focal_m", "unknown key", "focal_mm, kind", 'did you mean "focal_mm"'],
        ),
        ("cameras: [{fps: 30}]\n", ["cameras.0.name", "required but missing"]),
        ("cameras: [{name: a, fps: -1}]\n", ["cameras.0.fps = -1", "greater than 0"]),
        ("cameras: [{name: a, fps: fast}]\n", ["cameras.0.fps = 'fast'", "valid number"]),
        ("cameras: [{name: a, fps: .nan}]\n", ["cameras.0.fps = nan", "finite"]),
        (
            "cameras: [{name: a, lens: {kind: wide}}]\n",
            ["cameras.0.lens.kind = 'wide'", "'pinhole' or 'fisheye'"],
        ),
        ("title: ' '\n", ["title = ' '", "must not be empty"]),
        ("cameras: [{name: a}, {name: b}, {name: c}]\n", ["at most two cameras fit in here"]),
        ("titel: x\ncamera: y\n", ["1 more problem in this file"]),
        ("- a\n- b\n", ["must be a yaml mapping"]),
        ("", ["must be a yaml mapping"]),
        ("title: hall\ncameras: [\n", ["not valid yaml", "line 3"]),
    ],
)
def test_wrong_content(tmp_path: Path, text: str, words: list[str]) -> None:
    path = write(tmp_path, text)
    sentence = complaint(path)
    assert sentence.startswith(str(path))
    for word in words:
        assert word in sentence


def test_a_missing_file_names_the_one_probably_meant(tmp_path: Path) -> None:
    write(tmp_path, "title: hall\n")
    assert "no such file" in complaint(tmp_path / "studoi.yaml")
    assert 'did you mean "studio.yaml"?' in complaint(tmp_path / "studoi.yaml")
    assert f"{tmp_path / 'nowhere'} does not exist either" in complaint(tmp_path / "nowhere" / "studio.yaml")


def test_a_folder_or_a_picture_is_no_configuration(tmp_path: Path) -> None:
    assert "is a folder, expected a file" in complaint(tmp_path)
    picture = tmp_path / "picture.png"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n\xff\xfe")
    assert "is not a text file" in complaint(picture)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path, "title: hall\n")
    path.chmod(0)
    assert "permission denied" in complaint(path)


def test_overrides_reach_into_lists_by_index_and_by_name(tmp_path: Path) -> None:
    path = write(tmp_path, "cameras: [{name: left}, {name: right}]\n")
    studio = load_config(
        StudioConfig, path, ["title=hall", "cameras.1.fps=25", "cameras.left.lens.kind=fisheye"]
    )
    assert studio.title == "hall"
    assert studio.cameras[1].fps == 25.0
    assert studio.cameras[0].lens.kind == "fisheye"
    assert studio.cameras[1].lens.kind == "pinhole"


def test_overrides_leave_the_original_alone() -> None:
    data = {"lens": {"focal_mm": 4}}
    assert apply_overrides(data, ["lens.focal_mm=8"]) == {"lens": {"focal_mm": 8}}
    assert data == {"lens": {"focal_mm": 4}}


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("title", ["title", "path.to.key=value"]),
        ("=hall", ["path.to.key=value"]),
        ("cameras.middle.fps=30", ['no item "middle"']),
        ("cameras.7.fps=30", ['no item "7"']),
        ("title.size=3", ['"title" is a value, not a group of keys']),
        ("title=[1", ["--set title", "not valid yaml"]),
        ("titel=hall", ["titel", 'did you mean "title"']),
    ],
)
def test_wrong_overrides(tmp_path: Path, override: str, words: list[str]) -> None:
    path = write(tmp_path, "title: hall\ncameras: [{name: left}]\n")
    sentence = complaint(path, (override,))
    for word in words:
        assert word in sentence


def test_parsing_plain_data_names_its_source() -> None:
    with pytest.raises(BadInputError, match=r"^take\.yaml: focal_mm = 0: "):
        parse_config(LensConfig, {"focal_mm": 0}, source="take.yaml")


def test_yaml_is_data_and_never_code(tmp_path: Path) -> None:
    path = write(tmp_path, "title: !!python/object/apply:os.getcwd []\n")
    with pytest.raises(BadInputError, match="not valid yaml"):
        read_yaml(path)


def test_references_that_grow_out_of_all_proportion(tmp_path: Path) -> None:
    """Ten lines that mean four thousand million values: fine until somebody prints them."""
    lines = ["&a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"&a{k} [{', '.join([f'*a{k - 1}'] * 9)}]" for k in range(1, 10)]
    path = tmp_path / "a.yaml"
    path.write_text(f"a: [{', '.join(lines)}]\n")
    with pytest.raises(BadInputError, match="too many values"):
        read_yaml(path)
    path.write_text("a: &a [1, *a]\n")
    with pytest.raises(BadInputError, match="what it is part of"):
        read_yaml(path)
    path.write_text("a: &a {x: 1}\nb: [*a, *a]\nc: {<<: *a, y: 2}\n")
    assert read_yaml(path) == {"a": {"x": 1}, "b": [{"x": 1}, {"x": 1}], "c": {"x": 1, "y": 2}}
