"""Crops for MeTRAbs: batches of fixed composition, people known in space and people labelled in the picture.

A batch takes ``count`` crops of each part, as published multi-data-set training does (Sarandi et al., WACV
2023). Which person comes next follows from the number of the crop alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field, model_validator

from configs.errors import bad_input
from configs.loading import Config, parse_config
from models.datasets.labelled_people import LabelledPerson, PeopleSource
from models.datasets.picture_people import FOV_DEGREES
from models.datasets.simulated_studio import SimulatedStudioConfig
from models.metrabs.joint_names import short_names
from models.metrabs.losses import label_joints
from models.metrabs.person_box import box_round
from models.metrabs.train_camera import TrainCamera, crop_camera
from models.skeletons import get_skeleton, joint_map
from models.training.crops_data import part_of
from models.training.data import Arrays
from models.training.metrabs_crops import CropAugmentation, draw_camera, erase, recoloured

Floats = NDArray[np.float64]

_PERSON_OF_PICTURE: Final = 0.5
"""Height of people in such a picture, to give that field of view a meaning."""
_MPII: Final = "rank rkne rhip lhip lkne lank rwri relb rsho lsho lelb lwri"
"""Joints of MPII that the published system learns from."""


class PartConfig(Config):
    """Crops of one kind in every batch."""

    source: Literal["simulated_studio", "human36m", "mpi_inf_3dhp", "takes", "coco", "mpii"] = (
        "simulated_studio"
    )
    count: int = Field(ge=1)
    """In every batch."""
    labels: Literal["space", "picture"] = "space"
    """``picture``: only where joints are in the picture is used, and nothing is known of the camera."""
    settings: dict[str, Any] = Field(default_factory=dict)
    """Of the source."""

    @model_validator(mode="after")
    def _labels_exist(self) -> PartConfig:
        if self.source in ("coco", "mpii") and self.labels == "space":
            raise ValueError(f"{self.source} knows people in the picture only; set labels: picture")
        return self


class MetrabsDataConfig(Config):
    """Which crops."""

    split: Literal["train", "val", "studio"]
    """``studio``: the simulated performer before the cameras of the simulated studio."""
    crop_px: int = Field(256, ge=64, le=512, multiple_of=32)
    skeleton: str = "halpe_26"
    """Whose joints are predicted; of others in the data nothing is used."""
    parts: tuple[PartConfig, ...] = Field((PartConfig(count=1),), min_length=1)
    picture_joints: tuple[str, ...] = tuple(_MPII.split())
    """Labels of ``picture`` parts: a label is the mean of all joints whose names begin with its name."""
    augment: CropAugmentation = CropAugmentation()
    vary: bool = True
    """Draw cameras and colours at random; False shows everybody straight and in the middle."""
    samples: int = Field(100_000_000, ge=1)
    """Crops that make an epoch."""

    @model_validator(mode="after")
    def _names_exist(self) -> MetrabsDataConfig:
        names = short_names(get_skeleton(self.skeleton))
        for label in self.picture_joints:
            if not any(name.startswith(label) for name in names):
                raise ValueError(f"no joint of {self.skeleton} begins with {label!r}: {', '.join(names)}")
        return self


class HumanSettings(Config):
    """Settings of the source ``human36m``."""

    root: str = "data/human36m"
    labels: str | None = None
    picture_px: int = Field(512, ge=128, le=1024, multiple_of=32)
    every: int = Field(64, ge=1)
    """Every so many-th row of the test people; 64 is the published protocol."""


class Mpi3dhpSettings(Config):
    """Settings of the source ``mpi_inf_3dhp``."""

    root: str = "data/mpi_inf_3dhp"
    universal: bool = False
    """Everybody at one height, ``--universal-skeleton``."""
    corrected: bool = True
    """Brighter and without the cast of the published pictures."""
    every: int = Field(5, ge=1)
    """Every so many-th frame, as ``prepare mpi_inf_3dhp`` was told."""


class TakesSettings(Config):
    """Settings of the source ``takes``."""

    folder: str
    val_share: float = Field(0.3, ge=0.0, lt=1.0)


class MetrabsData:
    """Batches of B crops of P px with J joints.

    ``images`` (B, P, P, 3) uint8 RGB, ``intrinsics`` (B, 3, 3) float32, ``joints`` (B, J, 3) float32 mm in
    the frame of the crop's camera and ``valid`` (B, J), which of them are known; ``labels`` (B, L, 2) float32
    px, ``labelled`` (B, L), and ``label_joints`` (B, J, L), the share of each joint in each label.

    The crops of a part are drawn without repetition until all were shown. Batches have the composition that
    is asked for where ``batch`` is a multiple of the sum of ``count`` and ``shuffle`` is off.
    """

    def __init__(self, settings: Mapping[str, Any], *, source: str, seed: int) -> None:
        self.config = config = parse_config(MetrabsDataConfig, settings, source=source)
        self._seed = seed
        self.skeleton = get_skeleton(config.skeleton)
        self.names = short_names(self.skeleton)
        self._sources = [open_source(part, config, source=source) for part in config.parts]
        self._orders = [joint_map(each.skeleton, self.skeleton) for each in self._sources]
        self._joints = label_joints(self.names, config.picture_joints).numpy()
        self._slots = np.repeat(np.arange(len(config.parts)), [part.count for part in config.parts])

    def __len__(self) -> int:
        return self.config.samples

    @property
    def people(self) -> int:
        """How many different ones there are."""
        return sum(len(source) for source in self._sources)

    def prepare(self) -> None:
        """Build simulated bodies."""
        for source in self._sources:
            source.prepare()

    def network_settings(self, kind: str) -> dict[str, Any]:
        """Crops and joints, which weights alone would not tell."""
        if kind != "metrabs":
            return {}
        return {
            "proc_side": self.config.crop_px,
            "points": len(self.names),
            "joint_names": list(self.names),
            "edges": [list(bone) for bone in self.skeleton.bones],
        }

    def batch(self, indexes: NDArray[np.int64], epoch: int) -> Arrays:
        """See the class; the same request gives the same batch."""
        samples = [self._sample(epoch * len(self) + int(index)) for index in indexes]
        return {name: np.stack([sample[name] for sample in samples]) for name in samples[0]}

    def _sample(self, number: int) -> Arrays:
        """The ``number``-th crop since the start of training."""
        round_, slot = divmod(number, len(self._slots))
        part = int(self._slots[slot])
        first = int(np.flatnonzero(self._slots == part)[0])
        count = self.config.parts[part].count
        # Simulated people are independent draws already; recorded ones lie side by side.
        turn, place = divmod(round_ * count + slot - first, len(self._sources[part]))
        if self.config.vary and self.config.parts[part].source != "simulated_studio":
            place = int(_shuffled(len(self._sources[part]), self._seed, part, turn)[place])
        random = np.random.default_rng([self._seed, part, turn, place])
        return self._crop(part, self._sources[part].person(place, random), random)

    def _crop(self, part: int, person: LabelledPerson, random: Generator) -> Arrays:
        config, order = self.config, self._orders[part]
        side = config.crop_px
        camera = self._camera(person, random)
        picture = np.array(person.look(camera, side))
        if config.vary:
            if config.augment.colour:
                picture = recoloured(random, picture)
            if random.random() < config.augment.erased:
                erase(random, picture, config.augment.erased_share)
        joints = np.where(order[:, None] >= 0, person.joints[order], np.nan)
        if np.linalg.det(camera.rotation) < 0.0:
            joints = joints[self.skeleton.mirror]
        joints = camera.to_camera(joints)
        known: NDArray[np.bool_] = np.asarray(np.isfinite(joints).all(axis=1))
        joints = np.where(known[:, None], joints, 0.0)
        intrinsics = camera.intrinsics
        labels, labelled = (
            np.zeros((len(config.picture_joints), 2)),
            np.zeros(len(config.picture_joints), bool),
        )
        if config.parts[part].labels == "picture":
            labels, labelled = self._labels(joints, known, intrinsics)
            joints, known = np.zeros_like(joints), np.zeros_like(known)
            intrinsics = flat_intrinsics(side)
        return {
            "images": picture,
            "intrinsics": intrinsics.astype(np.float32),
            "joints": joints.astype(np.float32),
            "valid": known,
            "labels": labels.astype(np.float32),
            "labelled": labelled,
            "label_joints": self._joints,
        }

    def _camera(self, person: LabelledPerson, random: Generator) -> TrainCamera:
        config = self.config
        box = person.box
        if box is None:
            seen = person.joints[np.isfinite(person.joints).all(axis=1)]
            box = box_round(person.camera.to_picture(seen))
        if not config.vary:
            return crop_camera(person.camera, box, config.crop_px, person.up)
        return draw_camera(random, config.augment, person.camera, box, config.crop_px, person.up)

    def _labels(
        self, joints: Floats, known: NDArray[np.bool_], intrinsics: Floats
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """(L, 2) px and (L,) whether all joints of a label are known and in front of the camera."""
        usable = known & (joints[:, 2] > 1.0)
        flat = np.where(usable[:, None], joints, (0.0, 0.0, 1.0)) @ intrinsics.T
        labelled: NDArray[np.bool_] = np.asarray(~((self._joints > 0.0) & ~usable[:, None]).any(axis=0))
        labels: Floats = self._joints.T @ (flat[:, :2] / flat[:, 2:])
        return np.where(labelled[:, None], labels, 0.0), labelled


def flat_intrinsics(side: int) -> Floats:
    """(3, 3) of a crop whose camera nobody knows."""
    focal = side * (1.0 / _PERSON_OF_PICTURE) / (2.0 * math.tan(math.radians(FOV_DEGREES) / 2.0))
    return np.array([[focal, 0.0, side / 2], [0.0, focal, side / 2], [0.0, 0.0, 1.0]])


def open_source(part: PartConfig, config: MetrabsDataConfig, *, source: str) -> PeopleSource:
    """The people of a part.

    Raises:
        BadInputError: A setting is wrong, or the files are not there.
    """
    where = f"{source}: parts.settings"
    if part.source == "simulated_studio":
        from models.datasets.studio_people import StudioPeople

        fields = {"samples": config.samples, "truncation": 0.0, **part.settings, "crop_px": config.crop_px}
        return StudioPeople(parse_config(SimulatedStudioConfig, fields, source=where), config.split)
    if config.split == "studio":
        raise bad_input(
            "is of the simulated studio only", file=source, key="split", value="studio", allowed="train, val"
        )
    if part.source == "human36m":
        from models.datasets.recorded_people import Human36MPeople
        from models.training.human36m_data import LABELS

        human = parse_config(HumanSettings, part.settings, source=where)
        root = Path(human.root).expanduser()
        labels = root / "extra" / LABELS if human.labels is None else Path(human.labels).expanduser()
        return Human36MPeople(root, labels, config.split, picture_px=human.picture_px, every=human.every)
    if part.source == "mpi_inf_3dhp":
        from models.datasets.mpi_inf_3dhp_people import Mpi3dhpPeople

        wild = parse_config(Mpi3dhpSettings, part.settings, source=where)
        return Mpi3dhpPeople(
            Path(wild.root).expanduser(),
            config.split,
            universal=wild.universal,
            corrected=wild.corrected,
            every=wild.every,
        )
    if part.source in ("coco", "mpii"):
        from models.datasets.picture_labels import PictureSettings, read_labels
        from models.datasets.picture_people import PicturePeople

        pictured = parse_config(PictureSettings, part.settings, source=where)
        return PicturePeople(read_labels(part.source, pictured, config.split))
    from models.datasets.crop_set import CropSet
    from models.datasets.recorded_people import TakePeople

    takes = parse_config(TakesSettings, part.settings, source=where)
    crops = CropSet(Path(takes.folder).expanduser())
    return TakePeople(crops, part_of(crops, config.split, takes.val_share))


@lru_cache(maxsize=8)
def _shuffled(count: int, seed: int, part: int, turn: int) -> NDArray[np.int64]:
    return np.random.default_rng([seed, part, turn, count]).permutation(count)
