"""A rig of two small simulated cameras with its calibration."""

import pytest

from pipeline.rigs.simulated_rig import simulated_rig
from pipeline.rigs.studio_rig import studio_calibration, studio_of

SIZE = (160, 120)


@pytest.fixture(scope="session")
def devices():
    return simulated_rig(2, SIZE, 30.0, 0)


@pytest.fixture(scope="session")
def calibration(devices):
    return studio_calibration(devices, studio_of(devices))
