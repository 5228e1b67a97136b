"""People in recorded pictures: Human3.6M as published programs lay it out, and crops of one's own takes."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np
import scipy.linalg
from numpy.random import Generator
from numpy.typing import NDArray

from models.datasets.crop_set import CropSet
from models.datasets.human36m_labels import Split, read_labels
from models.datasets.human36m_multiview import Human36MMultiview, SampleOptions
from models.datasets.input_picture import grey_levels
from models.datasets.labelled_people import PicturedPerson
from models.datasets.single_view import SingleViews
from models.metrabs.train_camera import TrainCamera
from models.skeletons import get_skeleton

Floats = NDArray[np.float64]

ROOM: Final = 1.6
"""Side of what is read over the box of the label file: crops are turned, moved, and show up to a
third more."""
_UP: Final = np.array([0.0, 0.0, 1.0])


class Human36MPeople:
    """Every view of every row of the label file; see ``Human36MMultiview`` for the layout.

    Args:
        root: Folder with ``processed`` and ``extra``.
        labels: The label file.
        split: ``train`` (S1 S5 S6 S7 S8) or ``val`` (S9 S11).
        picture_px: Side of what is read around each person.
        every: Keep every so many-th row of ``val``; 64 is the published protocol of one camera.
        with_damaged: Keep the test recordings whose truth is displaced.

    Raises:
        BadInputError: The folder or the label file do not fit.
    """

    def __init__(
        self,
        root: Path,
        labels: Path,
        split: Split,
        *,
        picture_px: int = 512,
        every: int = 64,
        with_damaged: bool = True,
    ) -> None:
        options = SampleOptions(
            image_shape=(picture_px, picture_px), scale_box=ROOM, every=every, with_damaged=with_damaged
        )
        self._views = SingleViews(Human36MMultiview(root / "processed", read_labels(labels), split, options))
        self.skeleton = get_skeleton("human36m_lt17")

    def __len__(self) -> int:
        return len(self._views)

    def prepare(self) -> None:
        """Nothing: pictures are read one by one."""

    def person(self, index: int, random: Generator) -> PicturedPerson:
        """See ``PeopleSource``."""
        del random
        sample = self._views[index]
        camera = sample.cameras[0]
        rotation = camera.R.astype(np.float64)
        seen_by = TrainCamera(
            rotation,
            -rotation.T @ camera.t.astype(np.float64).ravel(),
            camera.K.astype(np.float64),
            np.zeros(5),
        )
        picture = np.ascontiguousarray(grey_levels(sample.images[0])[..., ::-1])
        joints = sample.keypoints[:, :3].astype(np.float64)
        return PicturedPerson(picture, seen_by, joints, _UP)


class TakePeople:
    """Every view of crops that ``prepare takes`` made, with the joints that the cameras agree about.

    Args:
        crops: The set.
        samples: Positions in it to use.
    """

    def __init__(self, crops: CropSet, samples: NDArray[np.int64]) -> None:
        self._crops = crops
        known: NDArray[np.bool_] = np.isfinite(crops.joints[..., 0]).max(axis=1)
        usable = crops.present[samples] & ~crops.held_out & known[samples, None]
        rows, self._view = np.nonzero(usable)
        self._row = samples[rows]
        self.skeleton = crops.skeleton

    def __len__(self) -> int:
        return len(self._row)

    def prepare(self) -> None:
        """Nothing: pictures are read one by one."""

    def person(self, index: int, random: Generator) -> PicturedPerson:
        """See ``PeopleSource``."""
        del random
        sample, view = self._crops[int(self._row[index])], int(self._view[index])
        picture = sample.pictures[view]
        assert picture is not None
        return PicturedPerson(
            np.ascontiguousarray(picture[..., ::-1]),
            camera_of(sample.projections[view]),
            sample.joints,
            _UP,
        )


def camera_of(projection: Floats) -> TrainCamera:
    """The camera without a lens that a projection (3, 4) belongs to, world mm to homogeneous px."""
    intrinsics, rotation = (np.asarray(part, np.float64) for part in scipy.linalg.rq(projection[:, :3]))
    # Of all ways to split it the one whose camera looks forward, with its axes to the right and down.
    signs = np.sign(np.diag(intrinsics))
    intrinsics, rotation = intrinsics * signs, signs[:, None] * rotation
    centre: Floats = -np.asarray(np.linalg.solve(projection[:, :3], projection[:, 3]), np.float64)
    if np.linalg.det(rotation) < 0.0:  # the projection's sign is free
        rotation = -rotation
    return TrainCamera(rotation, centre, intrinsics / intrinsics[2, 2], np.zeros(5))
