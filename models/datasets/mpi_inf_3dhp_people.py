"""People of MPI-INF-3DHP before its calibrated cameras, as training crops want them."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from configs.errors import bad_input
from models.datasets.input_picture import read_picture
from models.datasets.labelled_people import PicturedPerson
from models.datasets.mpi_inf_3dhp_training import View, read_training
from models.datasets.picture_people import pictured
from models.metrabs.person_box import box_round
from models.metrabs.picture_colours import BALANCE_3DHP, gamma_corrected, white_balanced
from models.skeletons import get_skeleton

Floats = NDArray[np.float64]

_UP: Final = np.array([0.0, 1.0, 0.0])


class Mpi3dhpPeople:
    """Every chosen frame of every camera; see ``read_training`` for the layout.

    Args:
        root: The data set's folder.
        split: ``train`` (S1 to S7) or ``val`` (S8).
        universal: All of one height (``univ_annot3``), as ``--universal-skeleton``.
        corrected: Colours of the published training crops: a gamma and a white balance.
        every: Of the frames.

    Raises:
        BadInputError: Annotations are missing or damaged, or pictures were not extracted.
    """

    def __init__(
        self,
        root: Path,
        split: Literal["train", "val"],
        *,
        universal: bool = False,
        corrected: bool = True,
        every: int = 5,
    ) -> None:
        self._views: list[View] = read_training(root, split)
        self._universal, self._corrected = universal, corrected
        self.skeleton = get_skeleton("mpi_inf_3dhp_17")
        chosen = [(row, frame) for row, view in enumerate(self._views) for frame in view.frames(every)]
        if not chosen:
            raise bad_input(f"no frame of {split} shows a whole person", file=root)
        self._chosen = np.array(chosen, np.int64)
        first = self._views[chosen[0][0]].picture(chosen[0][1])
        if not first.is_file():
            raise bad_input(
                "no such picture", file=first, hint=f"make them: launch.py prepare mpi_inf_3dhp {root}"
            )

    def __len__(self) -> int:
        return len(self._chosen)

    def prepare(self) -> None:
        """Nothing: pictures are read one by one."""

    def person(self, index: int, random: Generator) -> PicturedPerson:
        """See ``PeopleSource``.

        Raises:
            BadInputError: The picture is missing, damaged or of another size.
        """
        del random
        row, frame = self._chosen[index]
        view = self._views[row]
        path = view.picture(int(frame))
        picture = read_picture(path)
        if picture.shape[1::-1] != view.size:
            raise bad_input(
                "is of another size than the calibration says",
                file=path,
                value=f"{picture.shape[1]}x{picture.shape[0]}",
                allowed=f"{view.size[0]}x{view.size[1]}",
            )
        camera = view.seen_by
        # The true size decides where the person is seen, also where everybody shall have one height.
        box = box_round(view.pixels[frame])
        joints = (view.universal if self._universal else view.joints)[frame]
        person = pictured(picture, camera, joints @ camera.rotation + camera.centre, _UP, box)
        if not self._corrected:
            return person
        colours = white_balanced(gamma_corrected(person.picture), *BALANCE_3DHP)
        return PicturedPerson(colours, person.camera, person.joints, person.up, person.box)
