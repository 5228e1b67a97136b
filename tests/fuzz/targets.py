"""Every reader of files, with a valid file for it and what may be done to that file.

A target may end in anything but an error that no user should see: what is wrong with a file is a
``PosestageError``, a sentence with exit code 1 or 2.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any
from zlib import crc32

import msgspec
import yaml

from calibration.board import Board, read_board, write_board
from calibration.footage import read_times
from calibration.observations import BoardObservations, BoardView
from calibration.rig_file import read_calibration, write_calibration
from configs.errors import PosestageError
from pipeline.calibrating.config import load_calibrate_config
from pipeline.estimation.pipeline_config import PIPELINE_FOLDER, load_pipeline
from pipeline.exporters.export import verify_export
from pipeline.exporters.registry import EXPORTERS
from pipeline.rigs.rig_config import load_rig
from pipeline.take.ledger import COLUMNS, read_ledger
from pipeline.take.marks import read_marks
from pipeline.take.poses_file import map_poses, read_poses
from pipeline.take.poses_log import PosesLog
from pipeline.take.take import TRUTH_FILE, Take
from pipeline.take.writer import EVENTS, LEDGER, POSES_FILE
from tests.calibration.rigs import make_rig
from tests.fuzz.guard import bounded
from tests.fuzz.mutations import (
    Mutation,
    damaged_bytes,
    damaged_json_lines,
    damaged_npz,
    damaged_tree,
    damaged_words,
    damaged_yaml,
)
from tests.pipeline.take.synthetic_take import make_take

REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Target:
    """A reader.

    Attributes:
        make: Writes a valid input into an empty folder; returns the file that will be damaged.
        read: Reads that file.
        damage: What may be done to it, besides any bytes at all.
    """

    make: Callable[[Path], Path]
    read: Callable[[Path], Any]
    damage: tuple[Mutation, ...]


class Prepared:
    """A target with its valid input in a folder."""

    def __init__(self, target: Target, folder: Path) -> None:
        self.target = target
        self.file = target.make(folder)
        self.valid = self.file.read_bytes()
        self.try_bytes(self.valid, must_work=True)

    def damaged(self, dice: Random) -> bytes:
        """Another input."""
        if dice.random() < 0.02:
            return dice.randbytes(dice.randrange(400))
        return dice.choice(self.target.damage)(self.valid, dice)

    def try_bytes(self, data: bytes, *, must_work: bool = False) -> bool:
        """Read them; False when they were refused in order.

        Raises:
            BaseException: Whatever else came out: a finding.
        """
        self.file.write_bytes(data)
        with bounded():
            try:
                self.target.read(self.file)
            except PosestageError:
                if must_work:
                    raise
                return False
        return True


TEXT: tuple[Mutation, ...] = (damaged_bytes, damaged_words, damaged_words)
YAML: tuple[Mutation, ...] = (*TEXT, damaged_yaml, damaged_yaml)


def _copy(source: Path) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        (folder / source.name).write_bytes(source.read_bytes())
        return folder / source.name

    return make


def _calibration(name: str, format_name: str, file: str = "") -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        write_calibration(folder / name, make_rig(2), format_name=format_name)
        return folder / name / file if file else folder / name

    return make


def _board(folder: Path) -> Path:
    board = Board("charuco", 5, 4, 60.0, marker_mm=45.0, dictionary="DICT_4X4_50")
    write_board(folder / "board.yaml", board)
    return folder / "board.yaml"


def _observations(folder: Path) -> Path:
    board = Board("checkerboard", 5, 4, 60.0)
    ids = list(range(6))
    views = [
        BoardView(name, frame, frame * 1000, ids, [(k, 2 * k + frame) for k in ids])  # type: ignore[arg-type]
        for name in ("cam1", "cam2")
        for frame in range(3)
    ]
    path = folder / "views.npz"
    BoardObservations(board, {"cam1": (640, 480), "cam2": (640, 480)}, tuple(views)).save(path)
    return path


def _times(folder: Path) -> Path:
    lines = [f"{camera},{frame},{frame / 30 + camera / 100}" for frame in range(9) for camera in (0, 1)]
    (folder / "timestamps.csv").write_text("\n".join(["cam_id,frame_index,frame_time", *lines, ""]))
    return folder / "timestamps.csv"


def take_folder(folder: Path) -> Path:
    """A short take."""
    return make_take(folder / "take", sizes=[(64, 48)] * 2, frames=6, truth=True, dropped={"cam2": {2}})


def _in_take(name: str) -> Callable[[Path], Path]:
    return lambda folder: take_folder(folder) / name


def _read_take(file: Path) -> None:
    take = Take.open(next(parent for parent in file.parents if (parent / EVENTS).is_file()))
    for camera in take.cameras:
        take.ledger(camera)
        for _ in take.frames(camera):
            pass
    take.events()
    take.truth()
    poses = take.poses()
    assert poses is None or len(poses) >= 0


def _poses_log(folder: Path) -> Path:
    from pipeline.take.poses_log import PosesLogWriter

    frames = _pose_frames()
    writer = PosesLogWriter(folder / "poses.log")
    for frame in frames:
        writer.append(frame)
    writer.close()
    return folder / "poses.log"


def _pose_frames() -> list[Any]:
    import numpy as np

    from tests.pipeline.take.synthetic_take import make_pose
    from tests.pipeline.take.synthetic_take import make_rig as ring

    rig = ring([(64, 48)] * 2)
    return [make_pose(rig, 10**9 * (k + 1), k % 3, np.random.default_rng(k)) for k in range(4)]


def rechained_ledger(data: bytes, dice: Random) -> bytes:
    """Other lines with checksums that fit: written by a program gone wrong, not cut by a kill."""
    rows = [line.rsplit(b",", 1)[0] for line in data.split(b"\n")[1:-1]]
    rows = damaged_words(b"\n".join(rows), dice).split(b"\n")
    crc, lines = crc32(COLUMNS.encode()), [COLUMNS.encode()]
    for row in rows:
        crc = crc32(row, crc)
        lines.append(row + b",%08x" % crc)
    return b"\n".join([*lines, b""])


MAGIC = b"PSPOSES1"
_PREFIX = struct.Struct("<II")


def records_with_sums(data: bytes, dice: Random) -> bytes:
    """Records of a poses log with other content and a checksum that fits."""
    start = len(MAGIC)
    out, place, records = data[:start], start, []
    while place + _PREFIX.size <= len(data):
        length, _ = _PREFIX.unpack_from(data, place)
        records.append(data[place + _PREFIX.size : place + _PREFIX.size + length])
        place += _PREFIX.size + length
    which = dice.randrange(len(records))
    if dice.random() < 0.6:
        tree = msgspec.msgpack.decode(records[which])
        records[which] = _encoded(damaged_tree(tree, dice), records[which])
    else:
        records[which] = damaged_bytes(records[which], dice)
    return out + b"".join(_PREFIX.pack(len(record), crc32(record)) + record for record in records)


def _encoded(tree: Any, otherwise: bytes) -> bytes:
    try:
        return msgspec.msgpack.encode(tree)
    except (OverflowError, TypeError):  # 10**400 has no place in msgpack
        return otherwise[:-1]


def _export(name: str) -> Target:
    def make(folder: Path) -> Path:
        take = Take.open(take_folder(folder))
        exporter = EXPORTERS.load(name)()
        path = folder / f"export{exporter.suffix}"
        exporter.write(take, take.poses(), path)
        return path

    def read(file: Path) -> None:
        take = Take.open(file.parent / "take")
        poses = take.poses()
        assert poses is not None
        verify_export(EXPORTERS.load(name)(), take, poses, file)

    text = name in {"bvh", "csv", "gltf", "trc"}
    return Target(make, read, TEXT if text else (damaged_bytes,))


def _rig(folder: Path) -> Path:
    source = yaml.safe_load((REPOSITORY / "configs/rigs/simulated_studio.yaml").read_text())
    source["cameras"][0]["driver"] |= {"loss": 0.01, "studio": {"people": 1}}
    source["cameras"].append({"name": "web", "driver": {"type": "usb", "device": 0}, "size": [640, 480]})
    source["cameras"].append({"name": "net", "driver": {"type": "rtsp", "url": "rtsp://127.0.0.1/x"}})
    source["cameras"].append({"name": "file", "driver": {"type": "video_file", "path": "a.mp4", "pace": 2}})
    (folder / "rig.yaml").write_text(yaml.safe_dump(source, sort_keys=False))
    return folder / "rig.yaml"


def _read_logged(file: Path) -> None:
    for _ in PosesLog(file):
        pass


TARGETS: dict[str, Target] = {
    "rig": Target(_rig, load_rig, YAML),
    "pipeline": Target(
        _copy(PIPELINE_FOLDER / "blazepose.yaml"), lambda file: load_pipeline(str(file)), YAML
    ),
    "learned_pipeline": Target(
        _copy(PIPELINE_FOLDER / "volumetric.yaml"), lambda file: load_pipeline(str(file)), YAML
    ),
    "calibrate_settings": Target(
        lambda folder: _text(folder / "calibrate.yaml", "live: {views: 20}\n"),
        lambda file: load_calibrate_config(file, ()),
        YAML,
    ),
    "board": Target(_board, read_board, YAML),
    "calibration": Target(_calibration("calibration.yaml", "posestage"), read_calibration, YAML),
    "calibration_toml": Target(
        _calibration("cameras.toml", "toml"), lambda file: read_calibration(file, units="m"), TEXT
    ),
    "calibration_qualisys": Target(_calibration("a.qca.txt", "qualisys"), read_calibration, TEXT),
    "calibration_intri": Target(
        _calibration("easy", "easymocap", "intri.yml"), lambda file: read_calibration(file.parent), TEXT
    ),
    "calibration_extri": Target(
        _calibration("easy", "easymocap", "extri.yml"), lambda file: read_calibration(file.parent), TEXT
    ),
    "board_views": Target(_observations, BoardObservations.load, (damaged_bytes, damaged_npz, damaged_npz)),
    "timestamps": Target(_times, read_times, TEXT),
    "take": Target(_in_take("take.yaml"), _read_take, YAML),
    "take_calibration": Target(_in_take("calibration.yaml"), _read_take, YAML),
    "take_ledger": Target(_in_take(f"{LEDGER}/cam2.csv"), _read_take, (*TEXT, rechained_ledger)),
    "take_video": Target(_in_take("videos/cam1.mkv"), _read_take, (damaged_bytes,)),
    "take_truth": Target(_in_take(TRUTH_FILE), _read_take, (damaged_bytes, damaged_npz)),
    "ledger": Target(
        _in_take(f"{LEDGER}/cam2.csv"), read_ledger, (*TEXT, rechained_ledger, rechained_ledger)
    ),
    "marks": Target(
        _in_take(EVENTS),
        lambda file: read_marks(file.parent),
        (*TEXT, damaged_json_lines, damaged_json_lines),
    ),
    "poses": Target(_in_take(POSES_FILE), read_poses, (damaged_bytes, damaged_npz, damaged_npz)),
    "poses_mapped": Target(_in_take(POSES_FILE), map_poses, (damaged_bytes, damaged_npz, damaged_npz)),
    "poses_log": Target(_poses_log, _read_logged, (damaged_bytes, records_with_sums, records_with_sums)),
} | {f"export_{name}": _export(name) for name in EXPORTERS if name != "c3d"}
# ezc3d's C++ reader can crash its process on a damaged file. It is given nothing but what it wrote itself a
# moment before, and no command reads C3D files of others; one that did would need another reader.


def _text(path: Path, content: str) -> Path:
    path.write_text(content)
    return path
