"""A camera of the virtual studio: films a person or a board with known truth, paced like a real camera."""

from __future__ import annotations

import time
import zlib
from typing import ClassVar, TypeVar

import numpy as np
from pydantic import Field, field_validator, model_validator

from configs.errors import bad_input, did_you_mean
from configs.loading import Config, parse_config
from models.simulation.board_studio import BoardStudio, BoardStudioConfig
from models.simulation.studio import Studio, StudioConfig
from pipeline.drivers.base import CameraDriver, CameraError, CameraInfo, CameraSettings
from pipeline.frames.frame import Frame, Image

DEFAULT_FPS = 30.0

_MAX_JITTER = 0.45
"""Of a period: keeps the capture times of neighbouring frames in order whatever the dice say."""

_COVER = 24
"""Grey value of what covers a lens: nearly black."""


class SimulatedConfig(Config):
    """Settings of the ``simulated`` driver.

    Attributes:
        studio: The studio; all simulated cameras of a rig should name the same one.
        board_studio: Instead of ``studio``: the same cameras, and a calibration board that is carried around.
        camera: Which of the studio's cameras this is; by default the one with this camera's name.
        phase_ms: Constant delay of this camera's shutter against the session's clock.
        jitter_ms: Standard deviation of the shutter's irregularity (normal, cut at 0.45 periods).
        loss: Probability that the camera loses a frame; its index is then missing.
        covered: Times (from, to) s of the session during which something stands before the lens.
        seed: Seed of the studio (unless ``studio.seed`` says otherwise), and of jitter and loss.
    """

    same_in_rig: ClassVar[tuple[str, ...]] = ("studio", "board_studio", "seed")
    """What all simulated cameras of a rig must state alike, as they stand in one studio."""

    studio: StudioConfig = StudioConfig()
    board_studio: BoardStudioConfig | None = None
    camera: str | None = None
    phase_ms: float = Field(default=0.0, ge=-1000, le=1000)
    jitter_ms: float = Field(default=0.0, ge=0, le=1000)
    loss: float = Field(default=0.0, ge=0, lt=1)
    covered: tuple[tuple[float, float], ...] = ()
    seed: int = Field(default=0, ge=0)

    @model_validator(mode="after")
    def _one_studio(self) -> SimulatedConfig:
        if self.board_studio is not None and "studio" in self.model_fields_set:
            raise ValueError("give studio (people) or board_studio (a calibration board), not both")
        return self

    @field_validator("covered")
    @classmethod
    def _in_order(cls, covered: tuple[tuple[float, float], ...]) -> tuple[tuple[float, float], ...]:
        if any(first_s >= last_s for first_s, last_s in covered):
            raise ValueError("each item is [from, to] in seconds, from before to")
        return covered


AnyStudioConfig = TypeVar("AnyStudioConfig", StudioConfig, BoardStudioConfig)


def studio_config(config: SimulatedConfig, size: tuple[int, int] | None) -> StudioConfig:
    """The studio a camera stands in: the rig's ``size`` and the driver's ``seed`` fill what is left open.

    Raises:
        BadInputError: The rig and the studio state different sizes.
    """
    return _completed(config.studio, config.seed, size, "studio")


def board_studio_config(config: SimulatedConfig, size: tuple[int, int] | None) -> BoardStudioConfig | None:
    """The same for a studio with a board; None where people are filmed.

    Raises:
        BadInputError: The rig and the studio state different sizes.
    """
    if config.board_studio is None:
        return None
    return _completed(config.board_studio, config.seed, size, "board_studio")


def _completed(studio: AnyStudioConfig, seed: int, size: tuple[int, int] | None, key: str) -> AnyStudioConfig:
    stated = studio.model_fields_set
    update: dict[str, object] = {}
    if "seed" not in stated:
        update["seed"] = seed
    if size is not None:
        if "size" in stated and tuple(studio.size) != tuple(size):
            raise bad_input(
                f"the rig asks for {size[0]}x{size[1]}, but its simulated studio films at "
                f"{studio.size[0]}x{studio.size[1]}",
                key=f"driver.{key}.size",
                hint="state the size once",
            )
        update["size"] = tuple(size)
    changed = {**studio.model_dump(exclude_unset=True), **update}
    return parse_config(type(studio), changed, source=f"driver.{key} with the rig's size and seed")


class SimulatedDriver(CameraDriver):
    """Renders the scene of the instant at which the simulated shutter opens.

    Frame k is captured ``phase + k / fps + jitter`` after the session's origin and shows the scene of that
    time. When rendering falls behind, the newest due frame is rendered and those before it are lost.
    """

    Config = SimulatedConfig
    config: SimulatedConfig

    def __init__(self, config: SimulatedConfig, settings: CameraSettings) -> None:
        super().__init__(config, settings)
        self._studio: Studio | BoardStudio | None = None
        self._view = config.camera or settings.name
        self._fps = settings.fps or DEFAULT_FPS
        self._period_ns = 1e9 / self._fps

    def open(self) -> CameraInfo:
        """Build the studio and warm up its renderer."""
        self.close()
        with_board = board_studio_config(self.config, self.settings.size)
        studio: Studio | BoardStudio
        if with_board is not None:
            studio = BoardStudio(with_board)
        else:
            studio = Studio(studio_config(self.config, self.settings.size))
        if self._view not in studio.rig.names:
            raise bad_input(
                "the simulated studio has no such camera",
                key=f"cameras.{self.settings.name}.driver.camera",
                value=self._view,
                allowed=", ".join(studio.rig.names),
                hint=did_you_mean(self._view, studio.rig.names),
            )
        width, height = studio.rig.camera(self._view).size
        self._image: Image = np.empty((height, width, 3), np.uint8)
        studio.render(self._view, 0.0, self._image)
        self._base: int | None = None
        self._next = 0
        self._studio = studio
        return CameraInfo((width, height), self._fps, f"simulated studio, {self._view}", None)

    def start(self, origin_ns: int) -> None:
        """Count frames from ``origin_ns`` on."""
        super().start(origin_ns)
        self._base = None

    def read(self, timeout_s: float) -> Frame | None:
        """The newest frame that is due, rendered now."""
        if self._studio is None:
            raise CameraError(f'camera "{self.settings.name}" is not open')
        deadline_ns = time.monotonic_ns() + round(timeout_s * 1e9)
        if self._base is None:
            self._base = self._next = max(0, self._first_after(time.monotonic_ns()))
        self._next = max(self._next, self._newest_due(time.monotonic_ns()))
        while True:
            lost, due_ns = self._shutter(self._next)
            now_ns = time.monotonic_ns()
            if due_ns > now_ns:
                time.sleep(max(0, min(due_ns, deadline_ns) - now_ns) / 1e9)
                if due_ns > time.monotonic_ns():
                    return None
            if not lost:
                break
            self._next += 1
        place = self._next
        self._next += 1
        since_s = (due_ns - self.settings.origin_ns) / 1e9
        image = self.canvas(*self._image.shape[:2])
        if image is None:
            image = self._image
        if any(first_s <= since_s < last_s for first_s, last_s in self.config.covered):
            image.fill(_COVER)
            return Frame(self.settings.name, place - self._base, due_ns, image)
        image = self._studio.render(self._view, since_s, image)
        return Frame(self.settings.name, place - self._base, due_ns, image)

    def close(self) -> None:
        """Forget the studio."""
        self._studio = None

    def _regular_ns(self, place: int) -> float:
        return self.settings.origin_ns + self.config.phase_ms * 1e6 + place * self._period_ns

    def _first_after(self, now_ns: int) -> int:
        return int(-((self._regular_ns(0) - now_ns) // self._period_ns))

    def _newest_due(self, now_ns: int) -> int:
        newest = int((now_ns - self._regular_ns(0)) // self._period_ns)
        # Jitter may delay the newest one; the frame before it is then the newest that is there.
        return newest if self._shutter(newest)[1] <= now_ns else newest - 1

    def _shutter(self, place: int) -> tuple[bool, int]:
        """Whether frame ``place`` is lost, and when it is captured; the same in every run."""
        jitter_ns, lost = 0.0, False
        if self.config.jitter_ms or self.config.loss:
            camera = zlib.crc32(self._view.encode())
            dice = np.random.default_rng([self.config.seed, camera, place & 0xFFFFFFFF])
            limit_ns = _MAX_JITTER * self._period_ns
            spread_ns = self.config.jitter_ms * 1e6 * dice.standard_normal()
            jitter_ns = float(np.clip(spread_ns, -limit_ns, limit_ns))
            lost = bool(dice.random() < self.config.loss)
        return lost, round(self._regular_ns(place) + jitter_ns)
