"""Errors of the camera geometry."""

from __future__ import annotations

from configs.errors import BadInputError, PosestageError


class InvalidCameraError(ValueError):
    """Numbers that cannot describe a camera; a file reader turns it into an error with file and key.

    Attributes:
        field: The field of ``Camera`` that is wrong ("K", "distortion", ...).
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem


class InvalidBoardError(ValueError):
    """Numbers that cannot describe a board; a file reader turns it into an error with file and key.

    Attributes:
        field: The field of ``Board`` that is wrong ("columns", "marker_mm", ...).
        problem: What is wrong with it, to be read after the field's name.
    """

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(f"{field} {problem}")
        self.field = field
        self.problem = problem


class TooFewViewsError(BadInputError):
    """A camera saw the board too rarely.

    Attributes:
        camera: Its name.
        views: Views that could be used.
        needed: How many there must be.
    """

    def __init__(self, camera: str, views: int, needed: int, why: str = "") -> None:
        super().__init__(
            f"{camera} sees the board in only {views} usable picture{'' if views == 1 else 's'}{why}; "
            f"show it the whole board in at least {needed - views} more"
        )
        self.camera = camera
        self.views = views
        self.needed = needed


class UnlinkedCamerasError(BadInputError):
    """Some cameras never see the board together with the others, not even through a chain of cameras.

    Attributes:
        groups: Cameras that are linked among themselves.
        pair: The two cameras of different groups that are nearest to being linked.
        shared: Moments at which both of the pair see the board.
        needed: How many there must be.
    """

    def __init__(
        self, groups: tuple[tuple[str, ...], ...], pair: tuple[str, str], shared: int, needed: int
    ) -> None:
        islands = " and ".join(" + ".join(group) for group in groups)
        more = needed - shared
        super().__init__(
            f"the cameras cannot be tied together: {islands} do not see the board at the same moments; "
            f"{pair[0]} and {pair[1]} share {shared} view{'' if shared == 1 else 's'} of it and need {more} "
            "more (hold it where both see it)"
        )
        self.groups = groups
        self.pair = pair
        self.shared = shared
        self.needed = needed


class SolveError(PosestageError):
    """The equations of a calibration have no single answer."""
