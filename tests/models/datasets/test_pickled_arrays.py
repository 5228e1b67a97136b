import pickle
from collections import OrderedDict

import numpy as np
import pytest

from configs.errors import BadInputError
from models.datasets.restricted_pickle import read_pickle

DICE = np.random.default_rng(1)
TABLE = np.array([(1, "S1", [[1.5, 2], [3, 4]])], [("index", "<i4"), ("name", "U5"), ("box", "<f8", (2, 2))])
ARRAYS = {
    "float32": DICE.normal(size=(3, 17, 3)).astype(np.float32),
    "fortran": np.asfortranarray(DICE.normal(size=(4, 5))),
    "big endian": np.arange(6, dtype=">i2"),
    "bool": np.array([True, False]),
    "text": np.array(["Walking", "S9"]),
    "bytes": np.array([b"ab", b"c"]),
    "complex": np.array([1 + 2j]),
    "empty": np.zeros((0, 3)),
    "scalar array": np.array(4.5),
    "table": TABLE,
    "uneven table": TABLE[["index", "box"]],
}


def written(tmp_path, value, protocol=4):
    path = tmp_path / "a.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return path


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("name", ARRAYS)
def test_arrays_come_back_as_they_were(tmp_path, name, protocol):
    back = read_pickle(written(tmp_path, ARRAYS[name], protocol), encoding="latin1")
    assert type(back) is np.ndarray
    assert back.dtype == ARRAYS[name].dtype
    np.testing.assert_array_equal(back, ARRAYS[name])
    assert back.flags.writeable


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_arrays_within_containers(tmp_path, protocol):
    inner = np.empty((2, 1), object)
    inner[0, 0], inner[1, 0] = np.arange(3), {"a": np.float32(1.5)}
    value = OrderedDict(a=[np.arange(2), (np.ones(1), 3)], b={"c": inner}, d=np.int64(7), e=np.dtype("f4"))
    back = read_pickle(written(tmp_path, value, protocol), encoding="latin1")
    assert isinstance(back, OrderedDict)
    np.testing.assert_array_equal(back["a"][0], [0, 1])
    np.testing.assert_array_equal(back["a"][1][0], [1.0])
    np.testing.assert_array_equal(back["b"]["c"][0, 0], [0, 1, 2])
    assert back["b"]["c"][1, 0] == {"a": np.float32(1.5)}
    assert back["d"] == 7 and isinstance(back["d"], np.int64)
    assert back["e"] == np.dtype("f4")


class Says:
    """Pickles as a call of a numpy function with a state of one's own."""

    def __init__(self, function, arguments, state=None):
        self.function, self.arguments, self.state = function, arguments, state

    def __reduce__(self):
        return (self.function, self.arguments, self.state)


def lying_type(code="f4", **changes):
    state = {"version": 3, "order": "<", "base": None, "names": None, "fields": None} | {
        "size": -1,
        "align": -1,
        "flags": 0,
    }
    return Says(np.dtype, (code, False, True), tuple((state | changes).values()))


def lying_table(names=("a",), place=0, code="f8"):
    kind = lying_type("V8", names=names, fields={"a": (lying_type(code), place)}, size=8)
    return lying_array((1,), kind, b"x" * 8)


def lying_array(shape, kind, data):
    from numpy._core.multiarray import _reconstruct

    return Says(_reconstruct, (np.ndarray, (0,), b"b"), (1, shape, kind, False, data))


def test_flags_that_make_numbers_references_are_nothing(tmp_path):
    """With numpy's own hooks this follows 0x3f800000 as a pointer."""
    value = lying_array((2,), lying_type(flags=63), np.ones(2, np.float32).tobytes())
    back = read_pickle(written(tmp_path, value))
    assert back.dtype == np.float32 and not back.dtype.hasobject
    np.testing.assert_array_equal(back, [1, 1])


@pytest.mark.parametrize(
    "value",
    [
        lying_array((2,), lying_type(), b"abc"),
        lying_array((1 << 40, 1 << 40), lying_type(), b""),
        lying_array((-1,), lying_type(), b""),
        lying_array("x", lying_type(), b""),
        lying_array((2,), lying_type("O8"), b"\x01" * 16),
        lying_array((2,), lying_type("O8"), [1]),
        lying_table(code="O8"),
        lying_table(place=99),
        lying_table(names=("b",)),
        lying_array((1,), lying_type("f4,O"), b"x" * 12),
        lying_array((1,), lying_type("M8[ns]"), b"x" * 8),
        Says(np.ndarray, ((1 << 30,),)),
    ],
)
def test_what_does_not_fit_is_refused(tmp_path, value):
    with pytest.raises(BadInputError):
        read_pickle(written(tmp_path, value))


def test_deep_nesting_is_refused(tmp_path):
    value = []
    for _ in range(250):
        value = [value]
    with pytest.raises(BadInputError):
        read_pickle(written(tmp_path, value))


def test_a_list_that_holds_itself_is_refused(tmp_path):
    value = []
    value.append(value)
    with pytest.raises(BadInputError):
        read_pickle(written(tmp_path, value))


def test_torch_files_with_arrays_beside_tensors(tmp_path):
    torch = pytest.importorskip("torch")
    from models.checkpoints.inert_pickle import read_inert

    torch.save({"mean": np.arange(4.0), "t": torch.ones(2)}, tmp_path / "a.pth")
    back = read_inert(tmp_path / "a.pth")
    np.testing.assert_array_equal(back["mean"], np.arange(4.0))
    assert back["t"].tolist() == [1, 1]
