import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.wire.msgpack_nesting import NestingError, check_nesting

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats()
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(anything)
def test_what_an_encoder_writes_passes(value):
    check_nesting(msgspec.msgpack.encode(value), most_levels=100)


@pytest.mark.parametrize("size", [15, 16, 31, 32, 255, 256, 65_535, 65_536])
def test_every_width_of_length(size):
    for value in (list(range(size)), dict.fromkeys(range(size)), "x" * size, bytes(size)):
        data = msgspec.msgpack.encode(value)
        check_nesting(data)
        with pytest.raises(NestingError, match=r"cut short|more than it holds"):
            check_nesting(data[:-1])


@pytest.mark.parametrize("length", [1, 2, 4, 8, 16, 3, 300, 70_000])
def test_extensions(length):
    data = msgspec.msgpack.encode([msgspec.msgpack.Ext(5, bytes(length)), 7])
    check_nesting(data)
    with pytest.raises(NestingError):
        check_nesting(data[:-1])


def test_levels_are_counted_not_items():
    check_nesting(msgspec.msgpack.encode([[[1], [2]], [[3], [4]]] * 50), most_levels=3)
    with pytest.raises(NestingError, match="deeper than 2"):
        check_nesting(msgspec.msgpack.encode([[[1]]]), most_levels=2)


@given(st.binary(min_size=1, max_size=200))
def test_arbitrary_bytes_pass_or_are_refused(data):
    try:
        check_nesting(data)
    except NestingError:
        return
    # What passes builds no more items than it has bytes.
    try:
        value = msgspec.msgpack.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return  # text that is none, or bytes after the end
    assert count(value) <= len(data)


def count(value):
    if isinstance(value, dict):
        return 1 + sum(count(key) + count(item) for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return 1 + sum(count(item) for item in value)
    return 1
