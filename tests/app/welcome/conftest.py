"""The same surroundings as for the cameras page."""

from tests.app.cameras.conftest import Session, said, session, studio

__all__ = ["Session", "said", "session", "studio"]
