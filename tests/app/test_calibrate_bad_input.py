"""What people get wrong when they calibrate: one clear sentence and exit code 2, never a traceback."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from app.cli.main import main
from calibration.board import Board, write_board
from calibration.observations import BoardObservations, BoardView
from calibration.rig_file import write_calibration
from models.simulation.board_studio import BoardStudio, BoardStudioConfig

BOARD = {"version": 1, "type": "charuco", "columns": 7, "rows": 5, "square_mm": 40.0, "marker_mm": 30.0,
         "dictionary": "DICT_4X4_50"}  # fmt: skip


class Given:
    """Files a user might have, each wrong in one way."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._studio: BoardStudio | None = None

    @property
    def studio(self) -> BoardStudio:
        if self._studio is None:
            self._studio = BoardStudio(BoardStudioConfig(seed=3, cameras=2, size=(320, 240)))
        return self._studio

    def text(self, name: str, text: str) -> str:
        path = self.folder / name
        path.write_text(text)
        return str(path)

    def board(self, *without: str, **changes) -> str:
        data = {key: value for key, value in {**BOARD, **changes}.items() if key not in without}
        return self.text("board.yaml", yaml.safe_dump(data))

    def pictures(self, *names: str, size=(160, 120), sizes=None) -> str:
        folder = self.folder / "pictures"
        for name in names:
            (folder / name).mkdir(parents=True, exist_ok=True)
            for number in range(3):
                width, height = sizes[number] if sizes else size
                # A wall with a shadow: nothing that looks like a board.
                grey = np.tile(np.linspace(40 + number, 200, width).astype(np.uint8), (height, 1))
                cv2.imwrite(str(folder / name / f"{number}.png"), grey)
        return str(folder)

    def timestamps(self, text: str) -> str:
        (self.folder / "cam_0.mp4").touch()
        return str(Path(self.text("timestamps.csv", text)).parent)

    def rig(self, *names: str, driver=None) -> str:
        cameras = [{"name": name, "driver": driver or {"type": "simulated"}} for name in names]
        return self.text("rig.yaml", yaml.safe_dump({"version": 1, "cameras": cameras}))

    def views(self, edit=lambda views: views, board: Board | None = None) -> str:
        seen = self.studio.observe([0.2 * k for k in range(100)], 0.2)
        changed = BoardObservations(board or seen.board, seen.sizes, tuple(edit(seen.views)))
        path = self.folder / "views.npz"
        changed.save(path)
        return str(path)

    def lenses(self, *names: str, size=None) -> str:
        rig = self.studio.rig
        cameras = tuple(
            replace(camera, name=name, size=size or camera.size)
            for camera, name in zip(rig.cameras, names, strict=True)
        )
        path = self.folder / "lenses.yaml"
        write_calibration(path, replace(rig, cameras=cameras))
        return str(path)

    def studio_board(self, **changes) -> str:
        path = self.folder / "board.yaml"
        write_board(path, replace(self.studio.board, **changes))
        return str(path)


def only_first_camera(views: tuple[BoardView, ...]):
    return [view for view in views if view.camera == "cam1"]


def never_together(views: tuple[BoardView, ...]):
    late = 3600 * 10**9
    return [view if view.camera == "cam1" else replace(view, time_ns=view.time_ns + late) for view in views]


CASES = {
    "neither rig nor footage": (lambda g: ["--board", g.board()], ["--rig", "--from"]),
    "live without a board": (lambda g: ["--rig", g.rig("cam1")], ["--board", "launch.py board"]),
    "footage without a board": (lambda g: ["--from", g.pictures("a")], ["--board", "launch.py board"]),
    "no such footage": (
        lambda g: ["--board", g.board(), "--from", f"{g.folder}/nothing"],
        ["nothing", "no such folder"],
    ),
    "empty folder": (
        lambda g: ["--board", g.board(), "--from", str(g.folder)],
        ["holds no videos and no pictures"],
    ),
    "a file that is no footage": (
        lambda g: ["--board", g.board(), "--from", g.text("cam1.txt", "hello")],
        ["cam1.txt", "observations.npz"],
    ),
    "broken stored views": (
        lambda g: ["--from", g.text("views.npz", "hello")],
        ["views.npz", "no stored board views"],
    ),
    "no such board file": (
        lambda g: ["--board", f"{g.folder}/bord.yaml", "--from", g.pictures("a")],
        ["bord.yaml", "no such file"],
    ),
    "wrong key in the board file": (
        lambda g: ["--board", g.board(colums=7), "--from", g.pictures("a")],
        ["colums", 'did you mean "columns"'],
    ),
    "square and marker exchanged": (
        lambda g: ["--board", g.board(square_mm=30.0, marker_mm=40.0), "--from", g.pictures("a")],
        ["marker_mm", "exchanged"],
    ),
    "unknown dictionary": (
        lambda g: ["--board", g.board(dictionary="DICT_4X4_51"), "--from", g.pictures("a")],
        ["dictionary", "DICT_4X4_50"],
    ),
    "negative square": (
        lambda g: ["--board", g.board(square_mm=-40.0), "--from", g.pictures("a")],
        ["square_mm", "more than 0"],
    ),
    "cameras of the rig that are not in the footage": (
        lambda g: ["--board", g.board(), "--rig", g.rig("left", "right"), "--from", g.pictures("left")],
        ["right", "left"],
    ),
    "pictures of two sizes": (
        lambda g: ["--board", g.board(), "--from", g.pictures("a", sizes=[(160, 120), (160, 120), (80, 60)])],
        ["80x60", "160x120"],
    ),
    "nobody sees a board": (
        lambda g: ["--board", g.board(), "--from", g.pictures("a", "b")],
        ["a", "b", "board"],
    ),
    "video that is none": (
        lambda g: ["--board", g.board(), "--from", str(Path(g.text("cam1.mp4", "hello")).parent)],
        ["cam1.mp4", "no video"],
    ),
    "stored views of another board": (
        lambda g: ["--board", g.studio_board(columns=6), "--from", g.views()],
        ["columns", "search the footage again"],
    ),
    "one camera never sees it": (
        lambda g: ["--from", g.views(only_first_camera)],
        ["cam2", "board"],
    ),
    "cameras never see it together": (
        lambda g: ["--from", g.views(never_together), "--intrinsics", g.lenses("cam1", "cam2")],
        ["cam1", "cam2"],
    ),
    "lenses of other cameras": (
        lambda g: ["--from", g.views(), "--intrinsics", g.lenses("cam1", "cam9")],
        ["cam2", "cam1, cam9"],
    ),
    "lenses for pictures of another shape": (
        lambda g: ["--from", g.views(), "--intrinsics", g.lenses("cam1", "cam2", size=(500, 240))],
        ["cam1", "500 x 240", "320 x 240"],
    ),
    "lenses from two places": (
        lambda g: ["--from", g.views(), "--intrinsics", "a.yaml", "--intrinsics-from", "b"],
        ["--intrinsics-from", "not allowed with"],
    ),
    "no footage for a lens": (
        lambda g: ["--from", g.views(), "--intrinsics-from", g.pictures("cam1"), "--board", g.studio_board()],
        ["cam2", "no footage"],
    ),
    "unknown lens model": (lambda g: ["--from", g.views(), "--model", "wide"], ["--model", "fisheye"]),
    "unknown export format": (
        lambda g: ["--from", g.views(), "--export", "tmol"],
        ["tmol", 'did you mean "toml"'],
    ),
    "wrong key in --set": (
        lambda g: ["--from", g.views(), "--set", "extrinsics.estimate_lag=false"],
        ["estimate_lag", 'did you mean "estimate_lags"'],
    ),
    "wrong value in --set": (
        lambda g: ["--from", g.views(), "--set", "live.coverage=7"],
        ["live.coverage = 7", "less than or equal to 1"],
    ),
    "no folder for the result": (
        lambda g: ["--from", g.views(), "--out", f"{g.folder}/nowhere/calibration.yaml"],
        ["nowhere", "does not exist"],
    ),
    "the result would be a folder": (
        lambda g: ["--from", g.views(), "--out", str(g.folder)],
        ["is a folder"],
    ),
    "the report would be a file": (
        lambda g: ["--from", g.views(), "--report", g.text("report", "hello")],
        ["report", "cannot be used as a folder"],
    ),
    "seconds without live cameras": (
        lambda g: ["--from", g.views(), "--seconds", "5"],
        ["--seconds", "live"],
    ),
    "negative seconds": (
        lambda g: ["--rig", g.rig("cam1"), "--board", g.board(), "--seconds", "-5"],
        ["--seconds", "positive"],
    ),
    "nothing to resume": (
        lambda g: ["--rig", g.rig("cam1"), "--board", g.board(), "--resume"],
        ["calibration_report", "no"],
    ),
    "time stamps of another kind": (
        lambda g: ["--board", g.board(), "--from", g.timestamps("cam_id,when\n0,1\n")],
        ["timestamps.csv", "frame_time"],
    ),
    "two studios at once": (
        lambda g: [
            "--board", g.board(), "--rig",
            g.rig("cam1", driver={"type": "simulated", "studio": {}, "board_studio": {}}),
        ],
        ["studio", "not both"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_is_explained_in_one_sentence(case, tmp_path, monkeypatch, capsys):
    arguments, expected = CASES[case]
    monkeypatch.chdir(tmp_path)
    words = arguments(Given(tmp_path))
    code = main(["calibrate", *words, "--json"])
    out, err = capsys.readouterr()
    assert code == 2, err
    assert "Traceback" not in err
    error = json.loads(out.strip().splitlines()[-1])
    assert error["exit_code"] == 2
    for word in expected:
        assert word in error["error"]
    assert "\n" not in error["error"].strip()
    assert not (tmp_path / "calibration.yaml").exists()
