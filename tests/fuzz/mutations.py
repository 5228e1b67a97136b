"""Valid content, damaged: bytes, words of text, values of a tree, arrays.

Every function takes a ``random.Random``: hypothesis hands one in that it can replay and simplify, the long
run one that it seeds itself.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np
import yaml

Mutation = Callable[[bytes, Random], bytes]

WORDS = (
    *("-1", "0", "1", "2", "-0.0", "1e999", "-1e999", "1e308", "1e-320", "nan", ".nan", ".inf", "null", "~"),
    *(
        "true",
        "''",
        '""',
        "[]",
        "{}",
        "x",
        "99999999999999999999",
        "9" * 400,
        "1" + "0" * 5000,
        "0x1f",
        "1_0",
    ),
    *("2024-13-45", "12:30:45", "2001-12-14t21:59:43.10-05:00", "!!python/object:os.system", "!!binary x"),
    *(
        "[1, 2",
        "{a: [",
        "&a [*a]",
        "*b",
        "<<",
        "? ",
        "- " * 200,
        "[" * 1200,
        "../../x",
        "/etc/passwd",
        "\\x00",
    ),
    *(
        "é",
        "\u202e",
        "\ufeff",
        "\x00",
        "\x85",
        "%",
        "&#0;",
        "<!ENTITY x 'y'>",
        "]]>",
        "a" * 5000,
        ",",
        ":",
        "\t",
    ),
)
TOKEN = re.compile(rb"[-+.\w]+|[^\w\s]")

ODD: tuple[Any, ...] = (
    *(None, True, False, "", "x", " ", "é\u202e", "../../x", "a" * 3000, "1", "nan"),
    *(-1, 0, 1, 2, 7, 255, 65_536, 2**31, -(2**31), 2**53, 2**63, 2**64, -(10**30), 10**400),
    *(0.5, -0.5, 1e-320, 1e20, 1e308, -1e308, float("nan"), float("inf"), float("-inf")),
    *([], {}, [[]], [None], [1, 2], [1, 2, 3], [[1, 0], [0, 1]], {"": None}, {"x": {}}, [{}], [[[[[]]]]]),
    *(list(range(300)), {str(number): number for number in range(50)}, [float("nan")] * 9),
)


def damaged_bytes(data: bytes, dice: Random) -> bytes:
    """A few bytes changed, blocks removed, doubled, exchanged, or the end cut off."""
    out = bytearray(data)
    for _ in range(dice.choice((1, 1, 1, 2, 3, 8, 40))):
        place = dice.randrange(len(out) + 1)
        length = dice.choice((1, 1, 2, 4, 8, 30, 300))
        kind = dice.randrange(8)
        if kind == 0:
            del out[place:]
        elif kind == 1:
            del out[place : place + length]
        elif kind == 2:
            out[place:place] = out[place : place + length]
        elif kind == 3:
            out[place:place] = bytes(dice.randrange(256) for _ in range(length))
        elif kind == 4 and place < len(out):
            out[place] ^= 1 << dice.randrange(8)
        elif kind == 5:
            value = dice.choice((0, 0xFF, 0x7F, 0x80, 0xFFFFFFFF, 1 << 31, (1 << 63) - 1))
            width = dice.choice((1, 2, 4, 8))
            number = (value & ((1 << 8 * width) - 1)).to_bytes(width, dice.choice(("little", "big")))
            out[place : place + width] = number
        elif kind == 6:
            other = dice.randrange(len(out) + 1)
            out[place : place + length] = out[other : other + length]
        else:
            out[place : place + length] = bytes(len(out[place : place + length]))
    return bytes(out)


def damaged_words(data: bytes, dice: Random) -> bytes:
    """Words and signs of a text replaced, removed, doubled; whole lines, too."""
    for _ in range(dice.choice((1, 1, 1, 2, 4))):
        if dice.random() < 0.25:
            lines = data.split(b"\n")
            place = dice.randrange(len(lines))
            kind = dice.randrange(4)
            if kind == 0:
                del lines[place]
            elif kind == 1:
                lines.insert(place, lines[dice.randrange(len(lines))])
            elif kind == 2:
                lines[place] = b"  " + lines[place]
            else:
                lines = lines[:place]
            data = b"\n".join(lines)
            continue
        found = list(TOKEN.finditer(data))
        if not found:
            return dice.choice(WORDS).encode()
        token = dice.choice(found)
        replacement = dice.choice(WORDS).encode()
        if dice.random() < 0.2:
            replacement = dice.choice(found).group()
        data = data[: token.start()] + replacement + data[token.end() :]
    return data


def damaged_tree(tree: Any, dice: Random) -> Any:
    """One to three values of nested lists and mappings replaced, removed, renamed, repeated."""
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        tree = _damage_once(tree, dice)
    return tree


def _damage_once(node: Any, dice: Random) -> Any:
    children = (
        list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    )
    if not children or dice.random() < 0.03:
        return dice.choice(ODD)
    key = dice.choice(children)
    inside = isinstance(node[key], (dict, list)) and bool(node[key])
    copy = node.copy()
    if inside and dice.random() < 0.85:
        copy[key] = _damage_once(node[key], dice)
        return copy
    kind = dice.randrange(6)
    if kind == 0:
        del copy[key]
    elif kind == 1 and isinstance(copy, dict):
        copy[dice.choice((*children, "x", "", "__class__", 1, None))] = copy.pop(key)
    elif kind == 1:
        copy.insert(key, copy[key])
    elif kind == 2:
        copy[key] = node[dice.choice(children)]
    elif kind == 3 and isinstance(node[key], (int, float)) and not isinstance(node[key], bool):
        copy[key] = dice.choice((-node[key], node[key] * 1000, str(node[key])[:9], [node[key]]))
    else:
        copy[key] = dice.choice(ODD)
    return copy


def damaged_yaml(data: bytes, dice: Random) -> bytes:
    """Still yaml, with other values."""
    return yaml.safe_dump(damaged_tree(yaml.safe_load(data), dice), sort_keys=False).encode()


def damaged_json(data: bytes, dice: Random) -> bytes:
    """Still json, with other values."""
    return json.dumps(damaged_tree(json.loads(data), dice)).encode()


def damaged_json_lines(data: bytes, dice: Random) -> bytes:
    """Still json line by line."""
    lines = data.splitlines() or [b"{}"]
    place = dice.randrange(len(lines))
    lines[place] = damaged_json(lines[place], dice)
    return b"\n".join(lines) + b"\n"


def damaged_array(array: Any, dice: Random) -> Any:
    """The array with another shape, type, or odd values."""
    array = np.asarray(array)
    kind = dice.randrange(7)
    if kind == 0:
        return array[None]
    if kind == 1:
        return array.reshape(-1)[: dice.randrange(array.size + 1)]
    if kind == 2 and array.ndim:
        return array[tuple(slice(0, dice.choice((0, 1, size + 1))) for size in array.shape)]
    if kind == 3:
        types = ("f4", "f8", "i8", "i2", "u8", "?", "U5", "S3", "c16", "M8[ns]")
        if array.dtype.kind in "biuf":
            with np.errstate(all="ignore"):
                return array.astype(dice.choice(types))
        return np.zeros(array.shape, dice.choice(types))
    if kind == 4 and array.size and array.dtype.kind == "f":
        copy = array.copy()
        copy.flat[dice.randrange(copy.size)] = dice.choice((np.nan, np.inf, -1e300, 1e300, -1.0))
        return copy
    if kind == 5 and array.size and array.dtype.kind in "iu":
        copy = array.copy()
        copy.flat[dice.randrange(copy.size)] = dice.choice((0, 1, 100, np.iinfo(copy.dtype).max))
        return copy
    return np.array(dice.choice((0, -1, "x", "", 1.5, 2**62)))


def damaged_npz(data: bytes, dice: Random) -> bytes:
    """Still an ``.npz``, with arrays missing, added, or changed."""
    with np.load(io.BytesIO(data), allow_pickle=False) as stored:
        arrays = dict(stored)
    for _ in range(dice.choice((1, 1, 2, 3))):
        name = dice.choice(sorted(arrays)) if arrays else "x"
        if dice.random() < 0.15:
            arrays.pop(name, None)
        else:
            arrays[name] = damaged_array(arrays.get(name, 0), dice)
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()
