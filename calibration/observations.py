"""Which corners of the board each camera saw, when and where in its picture: what a calibration needs."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calibration.board import Board, board_from_dict
from configs.arrays_file import read_arrays
from configs.atomic_file import write_atomic
from configs.errors import bad_input

VERSION = 1


@dataclass(frozen=True, eq=False)
class BoardView:
    """The board in one picture of one camera; its arrays are read-only.

    Args:
        camera: Name.
        frame: Number of the picture in its source, from 0.
        time_ns: When it was taken, on the clock that all cameras of the recording share.
        ids: (N,) numbers of the corners that were found, rising; see ``Board.corners``.
        pixels: (N, 2) distorted px.
        mirrored: The print was seen from behind or in a mirror. Ids and pixels are right as they are: the
            corners are the same physical points, and the pixels those of the picture as it was taken.
        inverted: Printed white on black.
        sharpness: Steepest brightness slope near the corners over the contrast there, 1/px; about 0.5 for the
            sharpest picture possible, 0.1 where an edge is 10 px wide.
    """

    camera: str
    frame: int
    time_ns: int
    ids: NDArray[np.intp]
    pixels: NDArray[np.float64]
    mirrored: bool = False
    inverted: bool = False
    sharpness: float = float("nan")

    def __post_init__(self) -> None:
        ids = np.array(self.ids, dtype=np.intp)
        pixels = np.array(self.pixels, dtype=np.float64)
        if ids.ndim != 1 or pixels.shape != (len(ids), 2):
            raise ValueError(f"{len(ids)} corner ids do not fit pixels of shape {pixels.shape}")
        if not np.isfinite(pixels).all() or (np.diff(ids) <= 0).any() or (ids < 0).any():
            raise ValueError("corner ids must rise and pixels be finite")
        for name, array in (("ids", ids), ("pixels", pixels)):
            array.setflags(write=False)
            object.__setattr__(self, name, array)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, eq=False)
class BoardObservations:
    """All views of one board by the cameras of a rig.

    Args:
        board: What was filmed.
        sizes: Camera to (width, height) px of its pictures, also for a camera that never saw the board.
        views: In any order.
    """

    board: Board
    sizes: Mapping[str, tuple[int, int]]
    views: tuple[BoardView, ...]

    def __post_init__(self) -> None:
        unknown = sorted({view.camera for view in self.views} - set(self.sizes))
        if unknown:
            raise ValueError(f"no picture size is given for {', '.join(unknown)}")
        highest = max((int(view.ids[-1]) for view in self.views if len(view)), default=-1)
        if highest >= self.board.corner_count:
            raise ValueError(f"corner {highest} is not on a board with {self.board.corner_count} corners")

    @property
    def cameras(self) -> tuple[str, ...]:
        """Names, in the order of ``sizes``."""
        return tuple(self.sizes)

    @cached_property
    def _by_camera(self) -> dict[str, tuple[BoardView, ...]]:
        sorted_views: dict[str, list[BoardView]] = {name: [] for name in self.sizes}
        for view in sorted(self.views, key=lambda view: (view.time_ns, view.frame)):
            sorted_views[view.camera].append(view)
        return {name: tuple(views) for name, views in sorted_views.items()}

    def by_camera(self, name: str) -> tuple[BoardView, ...]:
        """The views of one camera in order of time; empty where it never saw the board."""
        return self._by_camera[name]

    def chosen(self, views: Iterable[BoardView]) -> BoardObservations:
        """The same recording with only these views."""
        return BoardObservations(self.board, self.sizes, tuple(views))

    def instants(self, max_skew_ns: int) -> tuple[tuple[BoardView, ...], ...]:
        """Views of one moment, in order of time.

        Args:
            max_skew_ns: Largest time from the first to the last view of a group. Less than half a frame
                interval never joins different moments.

        Returns:
            Groups in order of time, each with at most one view per camera; a view that nobody shares is a
            group of its own.
        """
        groups: list[dict[str, BoardView]] = []
        starts: list[int] = []
        for view in sorted(self.views, key=lambda view: (view.time_ns, self.cameras.index(view.camera))):
            if groups and view.time_ns - starts[-1] <= max_skew_ns and view.camera not in groups[-1]:
                groups[-1][view.camera] = view
            else:
                groups.append({view.camera: view})
                starts.append(view.time_ns)
        return tuple(tuple(group.values()) for group in groups)

    def save(self, path: Path) -> None:
        """Write an ``.npz`` file atomically.

        Raises:
            BadInputError: The place cannot be written.
        """
        names = list(self.sizes)
        views = self.views
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            version=np.int64(VERSION),
            board=np.array(json.dumps(self.board.as_dict())),
            cameras=np.array(names, dtype=np.str_),
            sizes=np.array([self.sizes[name] for name in names], np.int64).reshape(-1, 2),
            camera=np.array([names.index(view.camera) for view in views], np.int64),
            frame=np.array([view.frame for view in views], np.int64),
            time_ns=np.array([view.time_ns for view in views], np.int64),
            corners=np.array([len(view) for view in views], np.int64),
            ids=np.concatenate([view.ids for view in views] or [np.zeros(0, np.intp)]).astype(np.int64),
            pixels=np.concatenate([view.pixels for view in views] or [np.zeros((0, 2))]),
            mirrored=np.array([view.mirrored for view in views], np.bool_),
            inverted=np.array([view.inverted for view in views], np.bool_),
            sharpness=np.array([view.sharpness for view in views], np.float64),
        )
        write_atomic(Path(path), buffer.getvalue())

    @classmethod
    def load(cls, path: Path) -> BoardObservations:
        """Read what ``save`` wrote.

        Raises:
            BadInputError: The file is missing or holds something else.
        """
        path = Path(path)
        what = "holds no stored board views"
        arrays = read_arrays(path, what=what)
        try:
            if int(arrays["version"]) != VERSION:
                raise bad_input(
                    f"this Posestage reads version {VERSION} of stored board views",
                    file=path,
                    key="version",
                    value=int(arrays["version"]),
                )
            board = board_from_dict(json.loads(str(arrays["board"])), source=path)
            names = [str(name) for name in arrays["cameras"]]
            sizes = {name: (int(w), int(h)) for name, (w, h) in zip(names, arrays["sizes"], strict=True)}
            return cls(board, sizes, tuple(_stored_views(arrays, names)))
        except (KeyError, ValueError, IndexError, TypeError, OverflowError, RecursionError) as error:
            raise bad_input(f"{what}: {error}", file=path) from error


def _stored_views(arrays: Mapping[str, NDArray[Any]], names: list[str]) -> Iterator[BoardView]:
    ends = np.cumsum(arrays["corners"])
    for k, end in enumerate(ends):
        part = slice(int(end - arrays["corners"][k]), int(end))
        yield BoardView(
            camera=names[int(arrays["camera"][k])],
            frame=int(arrays["frame"][k]),
            time_ns=int(arrays["time_ns"][k]),
            ids=arrays["ids"][part],
            pixels=arrays["pixels"][part],
            mirrored=bool(arrays["mirrored"][k]),
            inverted=bool(arrays["inverted"][k]),
            sharpness=float(arrays["sharpness"][k]),
        )
