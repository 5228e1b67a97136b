"""Everything in the 3D view, kept as parts that know when they have changed."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import Final

import numpy as np
from numpy.typing import NDArray

from app.space import floor, frusta, people
from app.space.colours import SceneColours
from app.space.drawing import Floats, Label, Part, Screen, Solids, Strokes
from app.space.orbit_camera import NEAR_MM, OrbitCamera, Size
from app.space.trails import Trails
from calibration.rig import Rig
from models.skeleton import Skeleton

OPTIONS: Final = {"trails": True, "frusta": True, "pictures": False, "uncertainty": False, "follow": False}
"""What can be switched, and how it starts."""
_BEFORE: Final = 0.75
"""Part of the way to the middle of the scene up to which something stands before it."""
_LARGE: Final = 0.2
"""Part of the picture's shorter side beyond which it hides too much."""
_PICTURE_PX: Final = 192
"""Longer side of a picture inside a frustum: on the screen it is rarely larger."""


@dataclass(frozen=True)
class _People:
    joints: Floats
    skeleton: Skeleton
    person: NDArray[np.int64]
    covariance: Floats | None


@dataclass
class _Entry:
    version: int
    part: Part


@dataclass
class Scene:
    """Parts by name; a part that has not changed keeps its version, so nobody draws or sends it again."""

    colours: SceneColours
    options: dict[str, bool] = field(default_factory=lambda: dict(OPTIONS))

    def __post_init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._count = 0
        self._rig: Rig | None = None
        self._people: _People | None = None
        self._trails = Trails()
        self._pictures: dict[str, NDArray[np.uint8]] = {}
        self._nets: dict[str, Floats] = {}
        self._length = 300.0
        self._highlighted: str | None = None
        self._px_mm = 0.0
        self._stale = {"floor", "axes", "rig", "people", "trails", "pictures"}
        self.labels: list[Label] = []

    @property
    def version(self) -> int:
        """Grows with every change."""
        self._build()
        return self._count

    @property
    def parts(self) -> dict[str, tuple[int, Part]]:
        """Part and its version by name, in the order they are painted."""
        self._build()
        return {name: (entry.version, entry.part) for name, entry in self._entries.items()}

    def parts_seen(self, camera: OrbitCamera, size: Size) -> dict[str, tuple[int, Part]]:
        """The parts, less the pictures of cameras so near to the eye that they would hide the people."""
        return {
            name: entry
            for name, entry in self.parts.items()
            if not (isinstance(entry[1], Screen) and _hides(entry[1], camera, size))
        }

    @property
    def positions(self) -> Floats:
        """(V, 3) mm, where the cameras are."""
        cameras = self._rig.cameras if self._rig is not None else ()
        return np.array([camera.position for camera in cameras]).reshape(-1, 3)

    @property
    def middle(self) -> Floats | None:
        """(3,) mm, the middle of all people; None with nobody."""
        shown = self._people
        return people.middle_of(shown.joints, shown.skeleton) if shown is not None else None

    def set_colours(self, colours: SceneColours) -> None:
        """Another theme."""
        if colours != self.colours:
            self.colours = colours
            self._stale |= {"floor", "axes", "rig", "people", "trails"}

    def set_scale(self, px_mm: float) -> None:
        """Size of a pixel in the middle of the scene; in steps, so that few zooms change anything."""
        px_mm = 1.25 ** round(log(px_mm) / log(1.25))
        if px_mm != self._px_mm:
            self._px_mm = px_mm
            self._stale |= {"axes", "people", "trails"}

    def set_rig(self, rig: Rig | None) -> None:
        """Other cameras."""
        if rig is self._rig:
            return
        self._rig = rig
        self._pictures = {name: self._pictures[name] for name in self._pictures if rig and name in rig.names}
        self._stale |= {"floor", "rig", "pictures"}

    def show_people(
        self, joints: Floats, skeleton: Skeleton, person: NDArray[np.int64], covariance: Floats | None
    ) -> None:
        """The newest instant."""
        nobody = not np.isfinite(joints).any()
        if nobody and (self._people is None or not np.isfinite(self._people.joints).any()):
            return
        self._people = _People(joints, skeleton, person, covariance)
        self._trails.add(joints, skeleton, person)
        self._stale |= {"people", "trails"}

    def clear_trails(self) -> None:
        """Forget where people have been, after a jump to another time."""
        self._trails.clear()
        self._stale.add("trails")

    def show_pictures(self, pictures: dict[str, NDArray[np.uint8]]) -> None:
        """Newest pictures (H, W, 3) blue, green, red by camera; shrunk here, they may change afterwards."""
        for name, picture in pictures.items():
            if self._rig is not None and name in self._rig.names:
                self._pictures[name] = _shrunk(picture)
        if self.options["pictures"]:
            self._stale.add("pictures")

    def highlight(self, name: str | None) -> None:
        """Let one camera stand out."""
        if name != self._highlighted:
            self._highlighted = name
            self._stale.add("rig")

    def set_option(self, name: str, on: bool) -> None:
        """Switch one of ``OPTIONS``; KeyError for another name."""
        if self.options[name] == on:
            return
        self.options[name] = on
        self._stale |= {
            "trails": {"trails"},
            "frusta": {"rig", "pictures"},
            "pictures": {"pictures"},
            "uncertainty": {"people"},
            "follow": set[str](),
        }[name]

    def _build(self) -> None:
        if not self._stale:
            return
        stale, self._stale = self._stale, set()
        if "floor" in stale:
            radius = floor.reach(self.positions)
            self._put("plane", floor.plane(radius, self.colours))
            self._put("lines", floor.lines(radius, self.colours))
        if "axes" in stale:
            axes, self._axis_labels = floor.axes(self.colours, self._px_mm)
            self._put("axes", axes)
        if "rig" in stale:
            self._build_rig()
        if "pictures" in stale:
            self._build_pictures()
        if "trails" in stale:
            drawn = self._trails.strokes(self.colours, self._px_mm) if self.options["trails"] else Strokes()
            self._put("trails", drawn)
        if "people" in stale:
            shown = self._people
            bodies = Solids()
            if shown is not None:
                covariance = shown.covariance if self.options["uncertainty"] else None
                bodies = people.solids(
                    shown.joints, shown.skeleton, shown.person, self.colours, covariance, self._px_mm
                )
            self._put("people", bodies)
        self.labels = [*self._axis_labels, *self._camera_labels]

    def _build_rig(self) -> None:
        cameras = list(self._rig.cameras) if self._rig is not None and self.options["frusta"] else []
        self._length = frusta.length_mm(self.positions) if cameras else self._length
        self._nets = {camera.name: frusta.net(camera, self._length) for camera in cameras}
        plain, strong, labels = [], Strokes(), []
        for camera in cameras:
            highlighted = camera.name == self._highlighted
            points = self._nets[camera.name]
            drawn = frusta.strokes(camera, points, self._length, self.colours, highlighted)
            if highlighted:
                strong = drawn
            else:
                plain.append(drawn)
            labels.append(frusta.label(camera, self._length, self.colours, highlighted))
        self._put("frusta", _joined(plain))
        self._put("highlight", strong)
        self._put("cameras", frusta.bodies(cameras, self._length, self.colours, self._highlighted))
        self._camera_labels = labels

    def _build_pictures(self) -> None:
        wanted = self._pictures if self.options["pictures"] and self.options["frusta"] else {}
        shown = {f"picture {name}": name for name in wanted if name in self._nets}
        for name in [name for name in self._entries if name.startswith("picture ") and name not in shown]:
            del self._entries[name]
            self._count += 1
        for entry, name in shown.items():
            old = self._entries.get(entry)
            picture, grid = self._pictures[name], self._nets[name]
            same = isinstance(part := old.part if old else None, Screen) and part.grid is grid
            if not same or getattr(self, "_drawn", {}).get(name) is not picture:
                self._put(entry, frusta.screen(grid, picture))
        self._drawn = {name: self._pictures[name] for name in shown.values()}

    def _put(self, name: str, part: Part) -> None:
        self._count += 1
        self._entries[name] = _Entry(self._count, part)


def _hides(screen: Screen, camera: OrbitCamera, size: Size) -> bool:
    places, depth = camera.project(screen.grid[[0, 0, -1, -1], [0, -1, 0, -1]], size)
    if depth.mean() > _BEFORE * camera.distance_mm:
        return False
    return bool(depth.min() < NEAR_MM or np.ptp(places, axis=0).max() > _LARGE * min(size))


def _joined(strokes: list[Strokes]) -> Strokes:
    """Lines of one width as one part."""
    if not strokes:
        return Strokes()
    return Strokes(
        np.concatenate([one.ends for one in strokes]),
        np.concatenate([one.colours for one in strokes]),
        strokes[0].width,
    )


def _shrunk(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Every n-th pixel of every n-th row, cheap, and small enough to look smooth."""
    step = max(1, -(-max(picture.shape[:2]) // _PICTURE_PX))
    return np.ascontiguousarray(picture[step // 2 :: step, step // 2 :: step])
