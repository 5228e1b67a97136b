"""Views that are kept between two attempts."""

from calibration.observations import BoardObservations
from pipeline.calibrating.board_footage import OBSERVATIONS_FILE
from pipeline.calibrating.files import forget_views
from tests.support.board_recording import recorded_views


def test_views_of_some_cameras_are_forgotten(tmp_path):
    views = recorded_views()
    views.save(tmp_path / OBSERVATIONS_FILE)
    forget_views(tmp_path, ("cam2",))
    kept = BoardObservations.load(tmp_path / OBSERVATIONS_FILE)
    assert kept.by_camera("cam2") == ()
    assert kept.sizes == views.sizes, "the camera itself stays"
    for name in ("cam1", "cam3", "cam4"):
        assert len(kept.by_camera(name)) == len(views.by_camera(name)) > 0
