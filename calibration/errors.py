"""Errors of the camera geometry."""

from __future__ import annotations


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
