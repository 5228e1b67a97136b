"""The real networks, fetched once per machine."""

from __future__ import annotations

import pytest
from platformdirs import user_cache_path

from configs.errors import PosestageError
from models.zoo import ModelStore, default_store


@pytest.fixture(scope="session")
def blazepose_store() -> ModelStore:
    """The user's own store when it has the networks, else one for tests; skips when they cannot be had."""
    store = default_store()
    if store.info("blazepose").ready:
        return store
    store = ModelStore(user_cache_path("posestage") / "test_models")
    try:
        store.fetch("blazepose", accept_licence=True)
    except PosestageError as error:
        pytest.skip(f"the networks are not here and cannot be fetched: {error}")
    return store
