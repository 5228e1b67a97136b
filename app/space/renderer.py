"""Open3D drawing a scene without a window; lives in a process of its own (``render_process``).

The legacy ``Visualizer`` makes an OpenGL context off screen through EGL where no display is announced, on the
graphics card or in software. Bodies that change share one mesh whose corners are rewritten; adding and
removing geometry for every picture would cost more and leak.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import open3d
from numpy.typing import NDArray

from app.space import meshes
from app.space.drawing import Disc, Floats, Part, Screen, Solids, Strokes
from app.space.orbit_camera import FAR_MM
from app.space.pixel_reader import PixelReader
from app.space.request import Request

_BUDGET_MS: Final = 9.0
"""A moving picture is smoothed with the samples that fit in here: in software one."""
_MOST_MOVING: Final = 4
_STEP: Final = 32
"""Bodies are kept in meshes for a multiple of it, so that one more person seldom means a new mesh."""
_FEW_SIDES: Final = 4
"""Of tubes that are a few pixels thick."""


class NoOpenGLError(Exception):
    """Open3D got no OpenGL context."""


class Renderer:
    """Draws requests one after the other."""

    def __init__(self) -> None:
        open3d.utility.set_verbosity_level(open3d.utility.VerbosityLevel.Error)
        self._visualizer: Any = None
        self._size = (0, 0)
        self._parts: dict[str, Part] = {}
        self._geometries: dict[str, list[Any]] = {}
        self._capacity: dict[str, tuple[int, int]] = {}
        self._sample_ms = 0.0
        self._reader = PixelReader()
        self._open((64, 64))

    @property
    def driver(self) -> str:
        """Name of the OpenGL driver, as far as it tells."""
        return self._reader.driver

    def draw(self, request: Request, outdated: Callable[[], bool]) -> tuple[int, NDArray[np.uint8] | None]:
        """Draw.

        Args:
            request: What to draw.
            outdated: Whether something newer is wanted; asked between the pictures of an average.

        Returns:
            Number of averaged pictures and the (H, W, 4) result; 0 and None when given up.
        """
        if request.size != self._size:
            self._open(request.size)
        self._update(request)
        options = self._visualizer.get_render_option()
        options.background_color = np.array(request.background)
        options.line_width = 1.0 * max(1.0, request.dots)
        samples = request.samples
        if samples == 0:
            samples = int(np.clip(_BUDGET_MS / max(self._sample_ms, 0.1), 1, _MOST_MOVING))
        total: NDArray[np.uint16] | None = None
        for shift in _shifts(samples):
            if total is not None and outdated():
                return 0, None
            started, cpu = time.perf_counter(), time.process_time()
            self._aim(request, shift)
            picture = self._reader.read(self._visualizer)
            # On a busy machine waiting takes the most time, and drawing less would not shorten it.
            took_ms = 1e3 * max(time.process_time() - cpu, (time.perf_counter() - started) / 3)
            self._sample_ms = took_ms if not self._sample_ms else 0.8 * self._sample_ms + 0.2 * took_ms
            if samples == 1:
                return 1, picture
            if total is None:
                total = picture.astype(np.uint16)
            else:
                total += picture
        assert total is not None
        total += samples // 2
        total //= samples
        return samples, total.astype(np.uint8)

    def close(self) -> None:
        """Give the context back."""
        if self._visualizer is not None:
            self._visualizer.destroy_window()
            self._visualizer = None

    def _open(self, size: tuple[int, int]) -> None:
        """A context for pictures of this size; all that was drawn moves into it."""
        self.close()
        visualizer = open3d.visualization.Visualizer()
        if not visualizer.create_window("Posestage", size[0], size[1], visible=False):
            raise NoOpenGLError
        self._visualizer, self._size, self._sample_ms = visualizer, size, 0.0
        options = visualizer.get_render_option()
        options.mesh_show_back_face = True
        # The first geometry gives the view its measure of size, which it needs to take a camera;
        # a line without length leaves no trace in the picture.
        measure = open3d.geometry.LineSet(
            open3d.utility.Vector3dVector(np.array([[-2500.0, -2500.0, 0.0], [2500.0, 2500.0, 2000.0]])),
            open3d.utility.Vector2iVector(np.array([[0, 0]])),
        )
        visualizer.add_geometry(measure)
        self._reader.begin(visualizer, *size)
        self._geometries.clear()
        for name, part in self._parts.items():
            self._add(name, part)

    def _aim(self, request: Request, shift: tuple[float, float]) -> None:
        width, height = request.size
        camera = open3d.camera.PinholeCameraParameters()
        camera.extrinsic = request.eye_from_world
        camera.intrinsic = open3d.camera.PinholeCameraIntrinsic(
            width, height, request.focal, request.focal, width / 2 - 0.5, height / 2 - 0.5
        )
        # Open3D moves the centre of the picture nowhere but to its middle, so parts of a pixel are turned.
        extrinsic = np.array(request.eye_from_world)
        extrinsic[:3] = _turn(shift[0] / request.focal, shift[1] / request.focal) @ extrinsic[:3]
        camera.extrinsic = extrinsic
        control = self._visualizer.get_view_control()
        control.set_constant_z_near(request.near_mm)
        control.set_constant_z_far(FAR_MM)
        control.convert_from_pinhole_camera_parameters(camera, True)

    def _update(self, request: Request) -> None:
        for name in [name for name in self._parts if name not in request.order]:
            self._remove(name)
            del self._parts[name]
        for name, given in request.changed.items():
            part = _solid(given)
            old = self._parts.get(name)
            self._parts[name] = part
            if old is not None and name in self._geometries and self._rewrite(name, old, part):
                continue
            self._remove(name)
            self._add(name, part)

    def _remove(self, name: str) -> None:
        for geometry in self._geometries.pop(name, []):
            self._visualizer.remove_geometry(geometry, reset_bounding_box=False)
        self._capacity.pop(name, None)

    def _add(self, name: str, part: Part) -> None:
        geometries = []
        if isinstance(part, Strokes) and len(part.ends):
            geometries = [_line_set(part)]
        elif isinstance(part, Disc):
            geometries = [_flat_mesh(*meshes.disc(part))]
        elif isinstance(part, Solids) and len(part.tubes) + len(part.balls):
            geometries = self._bodies(name, part)
        elif isinstance(part, Screen):
            geometries = [_picture_mesh(part)]
        for geometry in geometries:
            self._visualizer.add_geometry(geometry, reset_bounding_box=False)
        if geometries:
            self._geometries[name] = geometries

    def _bodies(self, name: str, part: Solids) -> list[Any]:
        tubes, balls = (-(-count // _STEP) * _STEP for count in (len(part.tubes), len(part.balls)))
        self._capacity[name] = tubes, balls
        padded = self._padded(name, part)
        lit = _flat_mesh(*meshes.corners_of(padded), meshes.triangles_of(tubes, balls, part.sides))
        if part.shadow is None:
            return [lit]
        outlines = meshes.shadows_of(padded.tubes, padded.radii)
        shade = np.tile(np.array(part.shadow), (len(outlines), 1))
        return [lit, _flat_mesh(outlines, shade, meshes.shadow_triangles(tubes))]

    def _padded(self, name: str, part: Solids) -> Solids:
        """As many bodies as the mesh holds; those too many are points far below."""
        tubes, balls = self._capacity[name]
        more_tubes, more_balls = tubes - len(part.tubes), balls - len(part.balls)
        return Solids(
            tubes=_padded(part.tubes, more_tubes, -1e6),
            radii=_padded(part.radii, more_tubes, 0.0),
            tube_colours=_padded(part.tube_colours, more_tubes, 0.0),
            balls=_padded(part.balls, more_balls, -1e6),
            shapes=np.concatenate([part.shapes, np.tile(np.eye(3) * 1e-3, (more_balls, 1, 1))]),
            ball_colours=_padded(part.ball_colours, more_balls, 0.0),
            sides=part.sides,
            shadow=part.shadow,
            lit=part.lit,
        )

    def _rewrite(self, name: str, old: Part, part: Part) -> bool:
        """Change what is there in place; False where it needs to be built anew."""
        geometries = self._geometries[name]
        if isinstance(part, Strokes) and isinstance(old, Strokes) and len(part.ends):
            _set_lines(geometries[0], part, len(part.ends) != len(old.ends))
        elif isinstance(part, Solids) and isinstance(old, Solids):
            tubes, balls = self._capacity[name]
            if (
                len(part.tubes) > tubes
                or len(part.balls) > balls
                or (part.shadow is None) != (len(geometries) == 1)
            ):
                return False
            padded = self._padded(name, part)
            corners, colours = meshes.corners_of(padded)
            geometries[0].vertices = open3d.utility.Vector3dVector(corners)
            geometries[0].vertex_colors = open3d.utility.Vector3dVector(colours)
            if part.shadow is not None:
                geometries[1].vertices = open3d.utility.Vector3dVector(
                    meshes.shadows_of(padded.tubes, padded.radii)
                )
                if part.shadow != old.shadow:
                    geometries[1].paint_uniform_color(np.array(part.shadow))
        elif isinstance(part, Screen) and isinstance(old, Screen) and part.grid.shape == old.grid.shape:
            geometries[0].textures = [open3d.geometry.Image(part.picture)]
            geometries[0].vertices = open3d.utility.Vector3dVector(part.grid.reshape(-1, 3))
        else:
            return False
        for geometry in geometries:
            self._visualizer.update_geometry(geometry)
        return True


def _shifts(samples: int) -> list[tuple[float, float]]:
    """Places within a pixel, from its centre, that cover it evenly (Halton's sequence, bases 2 and 3)."""
    if samples == 1:
        return [(0.0, 0.0)]
    return [(_halton(index, 2) - 0.5, _halton(index, 3) - 0.5) for index in range(1, samples + 1)]


def _halton(index: int, base: int) -> float:
    result, part = 0.0, 1.0
    while index:
        part /= base
        index, digit = divmod(index, base)
        result += part * digit
    return result


def _turn(right: float, down: float) -> Floats:
    """(3, 3) turning the eye so that the picture moves by these small angles."""
    matrix = np.array([[1.0, 0.0, right], [0.0, 1.0, down], [-right, -down, 1.0]])
    rotation, _ = np.linalg.qr(matrix)
    return np.asarray(rotation * np.sign(np.diag(rotation)))


def _solid(part: Part) -> Part:
    """Lines that have a thickness as tubes."""
    if isinstance(part, Strokes) and part.radii is not None:
        return Solids(
            tubes=part.ends, radii=part.radii, tube_colours=part.colours, sides=_FEW_SIDES, lit=False
        )
    return part


def _padded(array: Floats, more: int, value: float) -> Floats:
    return np.concatenate([array, np.full((more, *array.shape[1:]), value)])


def _line_set(part: Strokes) -> Any:
    lines = open3d.geometry.LineSet()
    _set_lines(lines, part, True)
    return lines


def _set_lines(lines: Any, part: Strokes, count_changed: bool) -> None:
    lines.points = open3d.utility.Vector3dVector(part.ends.reshape(-1, 3))
    lines.colors = open3d.utility.Vector3dVector(part.colours)
    if count_changed:
        pairs = np.arange(2 * len(part.ends), dtype=np.int32).reshape(-1, 2)
        lines.lines = open3d.utility.Vector2iVector(pairs)


def _flat_mesh(corners: Floats, colours: Floats, triangles: NDArray[np.int32]) -> Any:
    mesh = open3d.geometry.TriangleMesh(
        open3d.utility.Vector3dVector(corners), open3d.utility.Vector3iVector(triangles)
    )
    mesh.vertex_colors = open3d.utility.Vector3dVector(colours)
    return mesh


def _picture_mesh(part: Screen) -> Any:
    rows, columns = part.grid.shape[:2]
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    upper, lower = index[:-1], index[1:]
    triangles = np.concatenate(
        [
            np.stack([upper[:, :-1], lower[:, :-1], lower[:, 1:]], axis=2).reshape(-1, 3),
            np.stack([upper[:, :-1], lower[:, 1:], upper[:, 1:]], axis=2).reshape(-1, 3),
        ]
    )
    u, v = np.meshgrid(np.linspace(0.0, 1.0, columns), np.linspace(0.0, 1.0, rows))
    places = np.stack([u, v], axis=2).reshape(-1, 2)
    mesh = _flat_mesh(part.grid.reshape(-1, 3), np.ones((rows * columns, 3)), triangles)
    mesh.triangle_uvs = open3d.utility.Vector2dVector(places[triangles].reshape(-1, 2))
    mesh.triangle_material_ids = open3d.utility.IntVector(np.zeros(len(triangles), dtype=np.int32))
    mesh.textures = [open3d.geometry.Image(part.picture)]
    return mesh
