"""Keypoints that somebody clicked in single pictures: what the readers of COCO and MPII leave."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from configs.errors import bad_input
from configs.loading import Config
from models.skeleton import Skeleton

Floats = NDArray[np.float64]

LEAST_JOINTS: Final = 7
"""The published programs take people with more than six labels."""
LEAST_PX: Final = 48
"""Longer side of a box: in less than a fifth of a crop of 256 px nobody's joints can be told apart."""


class PictureSettings(Config):
    """Where labelled pictures lie, and who of them is used."""

    root: str
    """Folder in the published layout, see ``read_coco`` and ``read_mpii``."""
    annotations: str | None = None
    """Another file of annotations."""
    pictures: str | None = None
    """Another folder of pictures."""
    least_joints: int = Field(LEAST_JOINTS, ge=1)
    """People with fewer labels are left out."""
    least_px: float = Field(LEAST_PX, ge=1.0)
    """People whose box's longer side is shorter are left out."""

    def path(self, given: str | None, usual: str) -> Path:
        """``given``, else what lies below the folder under the usual name."""
        return Path(self.root).expanduser() / usual if given is None else Path(given).expanduser()


@dataclass(frozen=True)
class PictureLabels:
    """N people with J joints.

    Attributes:
        skeleton: Names the joints.
        pictures: (N,) the file each is in; several may be in one.
        joints: (N, J, 2) px, (0, 0) is the middle of the first pixel; NaN without label.
        visible: (N, J) False where a joint is labelled but hidden.
        boxes: (N, 4) left, top, width, height px.
    """

    skeleton: Skeleton
    pictures: tuple[Path, ...]
    joints: Floats
    visible: NDArray[np.bool_]
    boxes: Floats

    def __len__(self) -> int:
        return len(self.pictures)

    def usable(self, settings: PictureSettings, file: Path) -> PictureLabels:
        """Those with enough labels, seen large enough, in pictures that seem to be there.

        Args:
            settings: Say what is enough.
            file: Of the annotations, for messages.

        Raises:
            BadInputError: Nobody is left, or the first picture is missing.
        """
        labels = np.isfinite(self.joints).all(axis=2).sum(axis=1)
        large = self.boxes[:, 2:].max(axis=1, initial=0.0) >= settings.least_px
        kept = np.flatnonzero((labels >= settings.least_joints) & large & (self.boxes[:, 2:] > 0).all(axis=1))
        if not len(kept):
            raise bad_input(
                f"none of {len(self)} people has {settings.least_joints} labels and {settings.least_px:g} px",
                file=file,
                hint="lower least_joints or least_px",
            )
        first = self.pictures[kept[0]]
        if not first.is_file():
            raise bad_input(
                "no such picture",
                file=first,
                hint=f"{file.name} names it; give their folder as settings.pictures",
            )
        return PictureLabels(
            self.skeleton,
            tuple(self.pictures[row] for row in kept),
            self.joints[kept],
            self.visible[kept],
            self.boxes[kept],
        )


def read_labels(kind: Literal["coco", "mpii"], settings: PictureSettings, split: str) -> PictureLabels:
    """Usable people of a data set.

    Args:
        kind: Which one.
        settings: Where it lies.
        split: ``train`` or ``val``.

    Raises:
        BadInputError: Files are missing or damaged, nobody is left, or there is no such split.
    """
    if split not in ("train", "val"):
        raise bad_input("there is no such part", key="split", value=split, allowed="train, val")
    part: Literal["train", "val"] = "train" if split == "train" else "val"
    if kind == "coco":
        from models.datasets.coco import read_coco

        return read_coco(settings, part)
    from models.datasets.mpii import read_mpii

    return read_mpii(settings, part)
