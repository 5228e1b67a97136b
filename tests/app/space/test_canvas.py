"""Pictures through shared memory."""

import numpy as np
import pytest

from app.space.canvas import Canvas
from pipeline.frames.ring import RingError


def test_a_picture_arrives_whole_or_not_at_all():
    picture = np.random.default_rng(0).integers(0, 255, (12, 20, 4), dtype=np.uint8)
    ours = Canvas.create(20, 16)
    theirs = Canvas.attach(ours.name)
    assert ours.holds(20, 16)
    assert not ours.holds(21, 16)
    theirs.write(5, picture[::-1])
    np.testing.assert_array_equal(ours.read(5), picture[::-1])
    assert ours.read(4) is None, "another one than was announced"
    theirs._header[2] = 0
    assert ours.read(5) is None, "half written"
    ours.wanted = 9
    assert theirs.wanted == 9
    name = ours.name
    theirs.close()
    ours.close()
    with pytest.raises(RingError):
        Canvas.attach(name)
