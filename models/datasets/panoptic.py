"""CMU Panoptic (Joo et al. 2017) as multi-view samples, from the files of the official toolbox.

A sequence is a folder with ``calibration_<name>.json``, the poses ``hdPose3d_stage1_coco19`` (one
``body3DScene_%08d.json`` per frame) and the pictures ``hdImgs/<camera>/<camera>_%08d.jpg``. The data set's
unit is the centimetre and its y axis points down; here everything is in millimetres, in the same axes unless
the vertical axis is asked to be z. Boxes are not part of the data set: they are drawn round the projected
joints.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from calibration.camera import Camera
from calibration.errors import InvalidCameraError
from configs.errors import bad_input
from models.datasets.human36m_multiview import Sample
from models.datasets.input_picture import crop, normalise, read_picture, resize
from models.datasets.network_camera import Box, NetworkCamera

MM_PER_CM: Final = 10.0
JOINTS: Final = 19
PELVIS: Final = 2
POSE_FOLDERS: Final = ("hdPose3d_stage1_coco19", "hdPose3d_stage1_coco19_new", "hdPose3d_stage1")

Z_UP: Final = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
"""From the data set's axes (y down) to a world whose z points up."""


@dataclass(frozen=True)
class PanopticOptions:
    """How frames become samples.

    Attributes:
        cameras: Names such as ``00_03``; empty takes every HD camera whose pictures are here.
        image_shape: Rows and columns of the network input.
        box_margin: Side of the box over the extent of the projected joints.
        every: Keep every so many-th frame.
        min_confidence: Joints below are unknown.
        z_up: Turn the world so that z is vertical, as networks trained on Human3.6M expect.
        single_person: Leave out frames with several people, as the published protocol does.
    """

    cameras: tuple[str, ...] = ()
    image_shape: tuple[int, int] = (384, 384)
    box_margin: float = 1.25
    every: int = 1
    min_confidence: float = 0.1
    z_up: bool = False
    single_person: bool = True


@dataclass(frozen=True, eq=False)
class Body:
    """One person in one frame.

    Attributes:
        frame: Frame number.
        person: Identity within the sequence.
        joints: (19, 3) world mm in the order ``cmu_19``; NaN where unknown.
    """

    frame: int
    person: int
    joints: NDArray[np.float64]


def read_cameras(path: Path, *, z_up: bool = False) -> dict[str, Camera]:
    """HD cameras of a calibration file by name, in mm.

    Raises:
        BadInputError: The file is missing, damaged or has another layout.
    """
    content = _json(path)
    entries = content.get("cameras") if isinstance(content, dict) else None
    if not isinstance(entries, list):
        raise bad_input("has no list of cameras", file=path, key="cameras")
    turn = Z_UP if z_up else np.eye(3)
    cameras = {}
    for at, entry in enumerate(entries):
        try:
            if entry["type"] != "hd":
                continue
            name = str(entry["name"])
            # x_cam = R x + t with x = turn^T x_turned
            cameras[name] = Camera(
                name=name,
                size=tuple(int(side) for side in entry["resolution"]),  # type: ignore[arg-type]
                model="pinhole",
                K=np.array(entry["K"], float),
                distortion=np.array(entry["distCoef"], float),
                R=_orthonormal(np.array(entry["R"], float)) @ turn.T,
                t=np.array(entry["t"], float).ravel() * MM_PER_CM,
            )
        except (KeyError, TypeError, ValueError, OverflowError, InvalidCameraError) as error:
            raise bad_input(
                f"camera {at} is not as documented ({type(error).__name__}: {error})", file=path
            ) from error
    if not cameras:
        raise bad_input("has no HD camera", file=path)
    return cameras


def read_bodies(path: Path, *, min_confidence: float = 0.1, z_up: bool = False) -> list[Body]:
    """People of one frame.

    Raises:
        BadInputError: The file is damaged or has another layout, such as the older one with 15 joints.
    """
    content = _json(path)
    bodies = []
    try:
        frame = int(path.stem.rpartition("_")[2])
        entries = content["bodies"]
        for entry in entries:
            values = np.array(entry["joints19"], float).reshape(JOINTS, 4)
            joints = values[:, :3] * MM_PER_CM
            joints[values[:, 3] < min_confidence] = np.nan
            bodies.append(Body(frame, int(entry["id"]), joints @ Z_UP.T if z_up else joints))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise bad_input(
            f"is not as documented ({type(error).__name__}: {error}); expected bodies with joints19",
            file=path,
        ) from error
    return bodies


class Panoptic:
    """Samples of one sequence: one per person and frame.

    Args:
        folder: Folder of the sequence, such as ``171204_pose1``.
        options: How frames become samples.

    Raises:
        BadInputError: Files are missing or damaged, a camera is unknown, or nobody is seen.
    """

    skeleton: Final = "cmu_19"

    def __init__(self, folder: Path, options: PanopticOptions = PanopticOptions()) -> None:
        if not folder.is_dir():
            raise bad_input("no such folder", file=folder)
        if options.every < 1:
            raise bad_input("must be at least 1", key="every", value=options.every)
        self.folder, self.options = folder, options
        self.cameras = self._cameras()
        self.bodies = self._bodies()
        if not self.bodies:
            raise bad_input("shows nobody in the chosen frames", file=folder)

    def __len__(self) -> int:
        return len(self.bodies)

    @property
    def truth(self) -> NDArray[np.float64]:
        """(N, 19, 3) world mm, NaN where unknown."""
        return np.stack([body.joints for body in self.bodies])

    def __getitem__(self, index: int) -> Sample:
        """The sample at a position; a view whose picture does not show the person is not present."""
        body = self.bodies[index]
        shape = self.options.image_shape
        count = len(self.cameras)
        images = np.zeros((count, *shape, 3), np.float32)
        boxes, shapes = np.zeros((count, 5)), np.zeros((count, 2), np.int64)
        present = np.zeros(count, bool)
        moved = []
        for view, camera in enumerate(self.cameras):
            inner = NetworkCamera.of(camera.R, camera.t, camera.K, camera.distortion, camera.name)
            box = self._box(camera, body.joints)
            if box is not None:
                picture = read_picture(self._picture(camera.name, body.frame))
                part = _undistorted(picture, camera, box)
                images[view] = normalise(resize(part, shape))
                inner = inner.cropped(box).resized((part.shape[0], part.shape[1]), shape)
                boxes[view], present[view], shapes[view] = (*box, 1.0), True, part.shape[:2]
            moved.append(inner)
        known = np.isfinite(body.joints).all(axis=1)
        return Sample(
            images=images,
            projections=np.stack([camera.projection for camera in moved]),
            cameras=tuple(moved),
            present=present,
            boxes=boxes,
            keypoints=np.column_stack([body.joints, known]).astype(np.float32),
            predicted=None,
            index=index,
            shapes=shapes,
        )

    def _cameras(self) -> tuple[Camera, ...]:
        path = self.folder / f"calibration_{self.folder.name}.json"
        if not path.is_file():
            found = sorted(self.folder.glob("calibration_*.json"))
            path = found[0] if len(found) == 1 else path
        known = read_cameras(path, z_up=self.options.z_up)
        names: Sequence[str] = self.options.cameras
        for name in names:
            if name not in known:
                raise bad_input("is no HD camera of this sequence", file=path, key="cameras", value=name)
        names = names or [name for name in known if (self.folder / "hdImgs" / name).is_dir()]
        if not names:
            raise bad_input(
                "holds no pictures of an HD camera",
                file=self.folder / "hdImgs",
                hint="extract them with the data set's own script hdImgsExtractor.sh",
            )
        return tuple(known[name] for name in names)

    def _bodies(self) -> list[Body]:
        folder = next((self.folder / name for name in POSE_FOLDERS if (self.folder / name).is_dir()), None)
        if folder is None:
            raise bad_input(
                f"holds no poses; expected one of the folders {', '.join(POSE_FOLDERS)}", file=self.folder
            )
        options, result = self.options, []
        for path in sorted(folder.glob("body3DScene_*.json"))[:: options.every]:
            bodies = read_bodies(path, min_confidence=options.min_confidence, z_up=options.z_up)
            if not (options.single_person and len(bodies) > 1):
                # Without its pelvis a pose has no relative error and a cuboid no centre.
                result += [body for body in bodies if np.isfinite(body.joints[PELVIS]).all()]
        return result

    def _box(self, camera: Camera, joints: NDArray[np.float64]) -> Box | None:
        """A square round the person in ideal px; None where the picture does not show most of the joints."""
        pixels = camera.undistort(camera.project(joints))
        width, height = camera.size
        with np.errstate(invalid="ignore"):
            inside = ((pixels >= 0) & (pixels < (width, height))).all(axis=1)
        known = np.isfinite(joints).all(axis=1)
        if inside.sum() < max(0.5 * known.sum(), 3):
            return None
        shown = pixels[np.isfinite(pixels).all(axis=1)]
        low, high = shown.min(axis=0), shown.max(axis=0)
        side = round(float((high - low).max()) * self.options.box_margin)
        left, top = np.rint((low + high - side) / 2).astype(int).tolist()
        return (left, top, left + side, top + side) if side > 1 else None

    def _picture(self, camera: str, frame: int) -> Path:
        stem = self.folder / "hdImgs" / camera / f"{camera}_{frame:08d}"
        png = stem.with_suffix(".png")
        return png if png.is_file() else stem.with_suffix(".jpg")


def _undistorted(picture: NDArray[np.uint8], camera: Camera, box: Box) -> NDArray[np.uint8]:
    """The part ``box`` of the picture without lens distortion."""
    import cv2

    if not camera.distortion.any():
        return crop(picture, box)
    columns, rows = np.meshgrid(np.arange(box[0], box[2]), np.arange(box[1], box[3]))
    source = camera.distort(np.stack([columns, rows], axis=-1).astype(float))
    source = np.nan_to_num(source, nan=-1e6).astype(np.float32)
    return np.asarray(cv2.remap(picture, source[..., 0], source[..., 1], cv2.INTER_CUBIC), np.uint8)


def _orthonormal(R: NDArray[np.float64]) -> NDArray[np.float64]:
    """The nearest rotation: files hold ten digits, and some cameras are off by more than rounding."""
    if R.shape != (3, 3) or not np.isfinite(R).all():  # with an infinity in it, svd never comes back
        raise ValueError("R is not a rotation")
    u, _, vt = np.linalg.svd(R)
    if np.abs(u @ vt - R).max() > 1e-3:
        raise ValueError("R is not a rotation")
    rotation: NDArray[np.float64] = u @ vt
    return rotation


def _json(path: Path) -> Any:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise bad_input("no such file", file=path) from error
    except (ValueError, OSError, RecursionError) as error:
        raise bad_input(f"cannot be read as JSON: {error}", file=path) from error
