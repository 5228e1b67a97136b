"""One prepared tiny data set for all tests of the folder."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("h5py", reason="h5py is not installed")
    from tests.models.datasets.prepared import prepared_root

    return prepared_root(tmp_path_factory.mktemp("human36m"))
