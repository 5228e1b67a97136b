"""Truth of the test set of MPI-INF-3DHP (Mehta et al., 3DV 2017): ``TS1/annot_data.mat`` to ``TS6``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from configs.errors import bad_input
from models.evaluation.single_camera import ACTIVITIES_3DHP, SCENES_3DHP

Floats = NDArray[np.float64]

SEQUENCES: Final = (1, 2, 3, 4, 5, 6)
_PATH: Final = re.compile(r"TS(\d)/(?:imageSequence/)?img_(\d+)\.\w+$")


@dataclass(frozen=True)
class TestTruth:
    """Of every valid frame, in order of sequence and frame.

    Attributes:
        picture: (N, 2) sequence from 1 and frame from 1, as pictures are numbered.
        joints: (N, 17, 3) mm in the axes of the camera, order of ``mpi_inf_3dhp_17``.
        activity: (N,) names.
        scene: (N,) names.
    """

    __test__ = False  # pytest takes classes of this name for tests

    picture: NDArray[np.int64]
    joints: Floats
    activity: NDArray[np.str_]
    scene: NDArray[np.str_]


def read_test_truth(root: Path, *, universal: bool = False) -> TestTruth:
    """Read the annotations of all sequences that are there.

    Args:
        root: Folder with ``TS1`` and so on.
        universal: Everybody at one height (``univ_annot3``).

    Raises:
        BadInputError: There is none, or one is damaged.
    """
    import h5py  # of the extra "datasets"; files of Matlab 7.3 are HDF5

    parts = []
    for number in SEQUENCES:
        path = root / f"TS{number}" / "annot_data.mat"
        if not path.is_file():
            continue
        name = "univ_annot3" if universal else "annot3"
        try:
            with h5py.File(path) as stored:
                joints = np.asarray(stored[name], np.float64).reshape(-1, 17, 3)
                activity = np.asarray(stored["activity_annotation"], np.int64).ravel()
                valid = np.asarray(stored["valid_frame"]).ravel().astype(bool)
        except (OSError, KeyError, ValueError) as error:
            raise bad_input(f"is damaged or has no {name} ({error})", file=path) from error
        if not len(joints) == len(activity) == len(valid):
            raise bad_input("arrays have different numbers of frames", file=path)
        if valid.any() and not 1 <= activity[valid].min() <= activity[valid].max() <= len(ACTIVITIES_3DHP):
            raise bad_input("has an activity that does not exist", file=path, allowed="1 to 7")
        frames = np.flatnonzero(valid)
        parts.append(
            TestTruth(
                np.stack([np.full(len(frames), number), frames + 1], axis=1),
                joints[frames],
                np.array(ACTIVITIES_3DHP)[activity[frames] - 1],
                np.full(len(frames), SCENES_3DHP[(number - 1) // 2]),
            )
        )
    if not parts:
        raise bad_input("holds no TS1/annot_data.mat ... TS6/annot_data.mat", file=root)
    return TestTruth(
        *(np.concatenate([getattr(part, f) for part in parts]) for f in TestTruth.__annotations__)
    )


def pictures_of(paths: NDArray[np.str_], file: Path) -> NDArray[np.int64]:
    """(N, 2) sequence and number of pictures by their paths, ``.../TS3/imageSequence/img_000001.jpg``.

    Raises:
        BadInputError: A path is of another form.
    """
    found = [_PATH.search(str(path)) for path in paths]
    for path, match in zip(paths, found, strict=True):
        if match is None:
            raise bad_input("is no picture of a test sequence", file=file, key="image_path", value=str(path))
    return np.array([[int(match[1]), int(match[2])] for match in found if match], np.int64).reshape(-1, 2)
