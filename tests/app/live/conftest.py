"""A studio with a simulated rig of two cameras, and a session that a test plays."""

import pytest

from app.preferences import Preferences
from app.studio import Studio
from calibration.rig_file import write_calibration
from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of
from tests.support.played_session import PlayedJob, PlayedSession

SIZE = (160, 120)


@pytest.fixture(scope="session")
def devices():
    return simulated_rig(2, SIZE, 30.0, 0)


@pytest.fixture(scope="session")
def calibration_file(devices, tmp_path_factory):
    path = tmp_path_factory.mktemp("calibration") / "calibration.yaml"
    write_calibration(path, studio_calibration(devices, studio_of(devices)))
    return path


@pytest.fixture
def bare_studio(tmp_path, qapp):
    """Without a rig."""
    preferences = Preferences.load(tmp_path / "desktop.yaml")
    preferences.takes_folder = tmp_path / "takes"
    preferences.pipeline = "noisy_truth"
    preferences.space_view = "wireframe"
    studio = Studio(preferences)
    studio._session = PlayedSession(studio)
    studio.said = []
    studio.message.connect(lambda level, text: studio.said.append((level, text)))
    return studio


@pytest.fixture
def studio(bare_studio, devices, calibration_file):
    bare_studio.use_rig(devices, None)
    bare_studio.use_calibration(calibration_file)
    return bare_studio


@pytest.fixture
def jobs():
    PlayedJob.made.clear()
    yield PlayedJob.made
    PlayedJob.made.clear()
