"""Human3.6M as multi-view samples: synchronous pictures, their cameras and the true pose.

Iskakov et al. 2019, "Learnable Triangulation of Human Pose", with three differences: a missing view is a row
of ``present`` instead of a shorter list (which would shift the meaning of the view index), pictures may be
undistorted while they are read, and predictions of a first stage are matched by recording and frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.datasets.human36m_labels import Labels, Split
from models.datasets.human36m_lens import undistorted_part
from models.datasets.input_picture import crop, normalise, read_picture, resize
from models.datasets.network_camera import Box, NetworkCamera, scaled_box
from models.datasets.results_file import Results, match_rows

PictureSource = Literal["undistorted", "on_the_fly", "distorted"]
"""Pictures undistorted beforehand; the camera's own, undistorted while reading; or not at all."""

UNDISTORTED = "imageSequence-undistorted"
ORIGINAL = "imageSequence"


@dataclass(frozen=True, eq=False)
class Sample:
    """One instant, seen by V cameras.

    Attributes:
        images: (V, H, W, 3) float32, BGR, normalised; zeros where the view is missing.
        projections: (V, 3, 4) float32, world mm to homogeneous px of the network input.
        cameras: V cameras of the network input.
        present: (V,) whether the view shows the person.
        boxes: (V, 5) float64: left, top, right, bottom of the scaled box in the full picture, and 1.0.
        keypoints: (J, 4) float32, true joints in world mm and a validity.
        predicted: (J, 3) float32 joints of a first stage, or None.
        index: Position within the data set.
        shapes: (V, 2) rows and columns of the crops before they were resized; 0 where missing.
    """

    images: NDArray[np.float32]
    projections: NDArray[np.float32]
    cameras: tuple[NetworkCamera, ...]
    present: NDArray[np.bool_]
    boxes: NDArray[np.float64]
    keypoints: NDArray[np.float32]
    predicted: NDArray[np.float32] | None
    index: int
    shapes: NDArray[np.int64]


@dataclass(frozen=True)
class SampleOptions:
    """How samples are made of rows.

    Attributes:
        image_shape: Rows and columns of the network input.
        scale_box: Factor on the sides of the label file's boxes.
        crop: Cut the person out; False takes the full picture.
        undistort: Remove lens distortion, from prepared pictures or while reading.
        ignore_cameras: Positions of cameras left out.
        every: Keep every so many-th row of the test split.
        with_damaged: Keep the three test recordings whose truth is displaced.
    """

    image_shape: tuple[int, int] = (384, 384)
    scale_box: float = 1.0
    crop: bool = True
    undistort: bool = True
    ignore_cameras: tuple[int, ...] = ()
    every: int = 1
    with_damaged: bool = True


class Human36MMultiview:
    """Samples of one split, by position.

    Args:
        root: Folder ``processed`` with ``S9/Directions-1/imageSequence…/54138969/img_000001.jpg``.
        labels: The label file.
        split: ``train`` or ``val``.
        options: How rows become samples.
        predictions: Joints of a first stage, from which volumetric networks take the pelvis.

    Raises:
        BadInputError: An option, the folder or the predictions do not fit the labels.
    """

    def __init__(
        self,
        root: Path,
        labels: Labels,
        split: Split,
        options: SampleOptions = SampleOptions(),
        predictions: Results | None = None,
    ) -> None:
        self.root, self.labels, self.split, self.options = root, labels, split, options
        self.rows = labels.selected_rows(split, with_damaged=options.with_damaged, every=options.every)
        count = len(labels.cameras)
        if wrong := [view for view in options.ignore_cameras if not 0 <= view < count]:
            raise bad_input("is no camera", key="ignore_cameras", value=wrong[0], allowed=f"0 to {count - 1}")
        self.views = tuple(view for view in range(count) if view not in options.ignore_cameras)
        if not self.views:
            raise bad_input("leaves no camera", key="ignore_cameras", value=options.ignore_cameras)
        if not options.scale_box > 0:
            raise bad_input("must be positive", key="scale_box", value=options.scale_box)
        self.predicted = None if predictions is None else match_rows(predictions, labels, split, self.rows)
        self.pictures = self._picture_source()

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def truth(self) -> NDArray[np.float32]:
        """(N, J, 3) world mm of all samples."""
        truth: NDArray[np.float32] = self.labels.table["keypoints"][self.rows]
        return truth

    def present(self) -> NDArray[np.bool_]:
        """(N, V) which views show the person, without reading a picture."""
        boxes = self.labels.table["bbox_by_camera_tlbr"][self.rows][:, self.views].astype(int)
        return ((boxes[..., 2] > boxes[..., 0]) & (boxes[..., 3] > boxes[..., 1])).astype(bool)

    def __getitem__(self, index: int) -> Sample:
        """The sample at a position.

        Raises:
            BadInputError: A picture is missing or damaged.
        """
        return self.sample(index, self.views)

    def sample(self, index: int, views: tuple[int, ...]) -> Sample:
        """The sample at a position, with some of the cameras only; their pictures alone are read."""
        if not 0 <= index < len(self.rows):
            raise IndexError(index)
        row = self.labels.table[self.rows[index]]
        shape = self.options.image_shape
        images = np.zeros((len(views), *shape, 3), np.float32)
        boxes = np.zeros((len(views), 5))
        shapes = np.zeros((len(views), 2), np.int64)
        present = np.zeros(len(views), bool)
        cameras = []
        for at, view in enumerate(views):
            camera = self.labels.camera(int(row["subject_idx"]), view)
            top, left, bottom, right = (int(value) for value in row["bbox_by_camera_tlbr"][view])
            if bottom > top and right > left:
                box = scaled_box((left, top, right, bottom), self.options.scale_box)
                part, camera = self._part(row, view, camera, box)
                shapes[at] = part.shape[:2]
                images[at] = normalise(resize(part, shape))
                camera = camera.resized((part.shape[0], part.shape[1]), shape)
                boxes[at], present[at] = (*box, 1.0), True
            cameras.append(camera)
        return Sample(
            images=images,
            projections=np.stack([camera.projection for camera in cameras]),
            cameras=tuple(cameras),
            present=present,
            boxes=boxes,
            keypoints=np.column_stack([row["keypoints"], np.ones(len(row["keypoints"]), np.float32)]),
            predicted=None if self.predicted is None else self.predicted[index],
            index=index,
            shapes=shapes,
        )

    def picture_path(self, index: int, view: int) -> Path:
        """Where the picture of a camera lies."""
        return self._path(self.labels.table[self.rows[index]], view, self.pictures == "undistorted")

    def _part(
        self, row: np.void, view: int, camera: NetworkCamera, box: Box
    ) -> tuple[NDArray[np.uint8], NetworkCamera]:
        picture = read_picture(self._path(row, view, self.pictures == "undistorted"))
        if not self.options.crop:
            box = (0, 0, picture.shape[1], picture.shape[0])
        moved = camera.cropped(box)
        if self.pictures == "on_the_fly":
            return undistorted_part(picture, camera.K, camera.dist, box), moved
        return crop(picture, box), moved

    def _path(self, row: np.void, view: int, undistorted: bool) -> Path:
        return (
            self.root
            / self.labels.subjects[int(row["subject_idx"])]
            / self.labels.actions[int(row["action_idx"])]
            / (UNDISTORTED if undistorted else ORIGINAL)
            / self.labels.cameras[view]
            / f"img_{int(row['frame_idx']) + 1:06d}.jpg"
        )

    def _picture_source(self) -> PictureSource:
        """Decided once, by what the first sample's folder holds, so that one run never mixes both."""
        if not self.root.is_dir():
            raise bad_input("no such folder", file=self.root)
        if not self.options.undistort:
            return "distorted"
        row = self.labels.table[self.rows[0]]
        return "undistorted" if self._path(row, 0, True).parents[1].is_dir() else "on_the_fly"
