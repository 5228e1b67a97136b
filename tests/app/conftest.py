"""Settings for tests that run commands inside the test's own process."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def logging_is_pytests_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A command would send records and warnings elsewhere, for all tests that follow."""
    monkeypatch.setattr("app.cli.main.configure_logging", lambda *words: None)
