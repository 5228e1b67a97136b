"""Which samples make which batch."""

from __future__ import annotations

import numpy as np
import pytest

from configs.errors import BadInputError
from models.training.order import BatchOrder


def test_an_epoch_shows_every_sample_once() -> None:
    order = BatchOrder(samples=21, batch=4, seed=3)
    seen = np.concatenate([order.request(number).indexes for number in range(5)])
    assert len(np.unique(seen)) == 20
    assert {order.request(number).epoch for number in range(5)} == {0}
    again = np.concatenate([order.request(number).indexes for number in range(5, 10)])
    assert order.request(5).epoch == 1
    assert not np.array_equal(seen, again)


def test_processes_share_the_batch_of_a_single_one() -> None:
    whole = BatchOrder(samples=50, batch=6, seed=1)
    shares = [BatchOrder(samples=50, batch=3, seed=1, rank=rank, processes=2) for rank in range(2)]
    for number in range(20):
        parts = [share.request(number).indexes for share in shares]
        assert np.array_equal(np.concatenate(parts), whole.request(number).indexes)


def test_fewer_samples_per_epoch_and_the_order_of_the_data() -> None:
    order = BatchOrder(samples=100, batch=4, seed=0, shuffle=False, per_epoch=10)
    assert order.batches_per_epoch == 2
    assert order.request(1).indexes.tolist() == [4, 5, 6, 7]
    assert order.request(2).indexes.tolist() == [0, 1, 2, 3]
    assert order.request(2).epoch == 1


def test_a_batch_that_cannot_be_filled() -> None:
    with pytest.raises(BadInputError, match="fewer samples"):
        BatchOrder(samples=7, batch=4, seed=0, processes=2)


def test_what_does_not_fill_a_batch_can_be_kept() -> None:
    order = BatchOrder(samples=11, batch=4, seed=2, keep_incomplete=True)
    assert order.batches_per_epoch == 3
    batches = [order.request(number).indexes for number in range(3)]
    assert [len(batch) for batch in batches] == [4, 4, 3]
    assert sorted(np.concatenate(batches).tolist()) == list(range(11))
    assert order.request(3).epoch == 1
    # a single sample would be no batch to normalise by
    assert BatchOrder(samples=9, batch=4, seed=2, keep_incomplete=True).batches_per_epoch == 2
    shares = [BatchOrder(13, 4, 2, rank=rank, processes=2, keep_incomplete=True) for rank in range(2)]
    last = [share.request(1).indexes for share in shares]
    assert [len(each) for each in last] == [2, 2]
    assert not set(last[0].tolist()) & set(last[1].tolist())
