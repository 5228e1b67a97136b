"""What a camera driver promises to its grabber."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, ClassVar, Self

from configs.errors import PosestageError
from configs.loading import Config
from pipeline.frames.frame import Frame, Image, VideoFormat


class CameraError(PosestageError):
    """The camera cannot be opened or stopped delivering; says the driver's reason and the next step."""


class EndOfStream(Exception):  # noqa: N818 - a signal like StopIteration, not an error
    """The source has no more frames (a file that does not loop)."""


@dataclass(frozen=True)
class CameraSettings:
    """What every camera of a rig states, whatever its driver.

    Attributes:
        name: Name in the rig.
        size: (width, height) px asked for; None takes the source's own.
        fps: Frame rate asked for; None takes the source's own.
        origin_ns: Monotonic time of the session's start. Simulated and file cameras show scene time
            ``t - origin_ns`` at time t, so that all cameras of a session share one scene clock.
    """

    name: str
    size: tuple[int, int] | None
    fps: float | None
    origin_ns: int


@dataclass(frozen=True)
class CameraNote:
    """Something that belongs into the story of a take.

    Attributes:
        kind: Short class name such as ``disconnect``.
        message: One sentence for people.
        details: Further values, plain JSON types.
    """

    kind: str
    message: str
    details: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class CameraInfo:
    """What an opened camera really delivers.

    Attributes:
        size: (width, height) px of the pictures.
        fps: Frame rate the source promises.
        device: Stable id or path of the source, for people and logs.
        stream: Format of ``Frame.packets``, or None for a raw source.
    """

    size: tuple[int, int]
    fps: float
    device: str
    stream: VideoFormat | None


class CameraDriver(ABC):
    """One camera. Use as a context manager; a failed ``open`` leaves nothing open.

    A driver is built from its own config (class attribute ``Config``) and the common settings, opened, read
    until stopped, and closed. It is used by one thread of one process.
    """

    Config: ClassVar[type[Config]]

    may_return: ClassVar[bool] = False
    """Whether ``open`` finds the camera again after it was unplugged and plugged in again."""

    def __init__(self, config: Any, settings: CameraSettings) -> None:
        self.config = config
        self.settings = settings
        self._offered: Callable[[], Image | None] = lambda: None

    @abstractmethod
    def open(self) -> CameraInfo:
        """Open the source.

        Raises:
            CameraError: It cannot be opened; the message has the driver's reason and what to do.
            BadInputError: The configuration does not fit the source.
        """

    def start(self, origin_ns: int) -> None:
        """Set the session's common origin; called after ``open`` and before the first ``read``.

        Opening takes cameras unequally long, so the origin is known only when all of them are open.
        """
        self.settings = replace(self.settings, origin_ns=origin_ns)

    @abstractmethod
    def read(self, timeout_s: float) -> Frame | None:
        """Wait for the next frame, at most ``timeout_s``; None when none came in that time.

        Capture times rise strictly. The image may be overwritten by the next ``read``. A source that lost a
        frame and knows why returns it with a ``cause``; where it only knows that, indices jump.

        Raises:
            CameraError: The source failed; ``open`` may be tried again.
            EndOfStream: There will be no more frames.
        """

    def draw_into(self, canvas: Callable[[], Image | None]) -> None:
        """Offer memory from which pictures need not be copied any more.

        Args:
            canvas: Gives (H, W, 3) memory of the size that ``open`` told, or None when there is none just
                now. Asked anew for each frame; until the next ``read`` what was drawn there stays.
        """
        self._offered = canvas

    def canvas(self, height: int, width: int) -> Image | None:
        """For drivers: where to draw the picture that ``read`` is about to return; None: wherever they like.

        To be asked once for each picture, when it is certain that there will be one.
        """
        offered = self._offered()
        return offered if offered is not None and offered.shape == (height, width, 3) else None

    def finish(self) -> list[Frame]:
        """Frames whose packets were already handed out but that were not yet returned by ``read``.

        Called once when capture stops, so that the recording's ledger names every frame in the video.
        """
        return []

    def missing(self, until_ns: int) -> list[Frame]:
        """Frames that the source must have captured before ``until_ns`` and that can no longer be counted.

        Called when a recording ends, so that a camera that is away just then is in the ledger with what it
        filmed meanwhile. They have a cause; ``read`` goes on after them.
        """
        del until_ns
        return []

    def notes(self) -> list[CameraNote]:
        """What happened to the source since the last call, such as a lost connection."""
        return []

    def clock(self) -> CameraNote | None:
        """How the source's clock was mapped to this machine's; None where there is only this one."""
        return None

    def telemetry(self) -> dict[str, Any]:
        """Numbers of the source itself, such as those of a connection; empty where there are none."""
        return {}

    @abstractmethod
    def close(self) -> None:
        """Release the source. Safe to call twice, and after a failure."""

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
