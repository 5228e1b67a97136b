from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from configs.errors import BadInputError
from pipeline.remote.keys import KeyRing, key_from_text, key_text


@pytest.fixture
def ring(tmp_path: Path) -> KeyRing:
    return KeyRing(tmp_path / "keys")


def other_key() -> str:
    return key_text(zmq.curve_keypair()[0])


def test_a_new_key_can_be_read_by_its_owner_only(ring: KeyRing) -> None:
    pair = ring.create()
    assert ring.own() == pair
    assert zmq.curve_public(pair.secret) == pair.public
    if sys.platform != "win32":
        assert stat.S_IMODE(ring.own_file.stat().st_mode) == 0o600
        assert stat.S_IMODE(ring.folder.stat().st_mode) == 0o700
    assert key_text(pair.secret, "secret") not in repr(pair)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
def test_a_key_that_others_can_read_is_refused(ring: KeyRing, mode: int) -> None:
    ring.create()
    ring.own_file.chmod(mode)
    with pytest.raises(BadInputError, match="chmod 600"):
        ring.own()


def test_a_key_is_never_replaced_unasked(ring: KeyRing) -> None:
    first = ring.create()
    with pytest.raises(BadInputError, match="--replace"):
        ring.create()
    assert ring.own() == first
    assert ring.create(replace=True) != first


def test_a_missing_key_says_how_to_make_one(ring: KeyRing) -> None:
    with pytest.raises(BadInputError, match=r"launch\.py keys new"):
        ring.own()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "mapping"),
        ("public: abc\nsecret: abc\n", "public"),
        ("public: {0}\n", "secret"),
        ("public: {0}\nsecret: {0}\n", "not a key"),
        ("public: {0}\nsecret: {1}\n", "do not belong together"),
    ],
)
def test_a_damaged_key_file_is_named(ring: KeyRing, content: str, words: str) -> None:
    ring.folder.mkdir()
    secret = key_text(zmq.curve_keypair()[1], "secret")
    ring.own_file.write_text(content.format(other_key(), secret))
    ring.own_file.chmod(0o600)
    with pytest.raises(BadInputError, match=words) as failure:
        ring.own()
    assert str(ring.own_file) in str(failure.value)
    assert secret not in str(failure.value)


@given(st.binary(min_size=32, max_size=32))
def test_a_key_survives_as_text(raw: bytes) -> None:
    from zmq.utils import z85

    key = z85.encode(raw)
    text = key_text(key)
    assert key_from_text(text) == key
    assert key_from_text(f" {text.upper()}\n") == key
    assert text.isalnum()
    assert len(text) == 56


@given(st.integers(0, 55), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_a_slip_in_copying_is_noticed(place: int, letter: str) -> None:
    text = key_text(b"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7")
    slipped = text[:place] + letter + text[place + 1 :]
    if slipped != text:
        with pytest.raises(BadInputError, match="not a key"):
            key_from_text(slipped)


@pytest.mark.parametrize("text", ["", "key", "ä" * 56, "a" * 55, "a" * 57, "1" * 56])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(BadInputError, match="not a key"):
        key_from_text(text)


def test_a_secret_key_is_not_taken_for_a_public_one(ring: KeyRing) -> None:
    with pytest.raises(BadInputError, match="secret key"):
        ring.trust("left", key_text(zmq.curve_keypair()[1], "secret"))


def test_trusting_and_forgetting(ring: KeyRing, tmp_path: Path) -> None:
    key = other_key()
    assert ring.trusted() == {}
    assert ring.trust("stage-left", key)
    assert not ring.trust("stage-left", key), "it was trusted already"
    assert ring.trusted() == {"stage-left": key_from_text(key)}
    assert ring.public_key("stage-left") == key_from_text(key)
    assert ring.name_of(key_from_text(key)) == "stage-left"
    file = tmp_path / "right.public"
    file.write_text(other_key() + "\n")
    assert ring.trust("stage-right", str(file))
    ring.forget("stage-left")
    assert list(ring.trusted()) == ["stage-right"]
    assert ring.name_of(key_from_text(key)) is None


def test_one_name_is_one_machine(ring: KeyRing) -> None:
    key = other_key()
    ring.trust("left", key)
    with pytest.raises(BadInputError, match="keys forget left"):
        ring.trust("left", other_key())
    with pytest.raises(BadInputError, match='as "left"'):
        ring.trust("right", key)
    with pytest.raises(BadInputError, match="this very machine"):
        ring.trust("me", key_text(ring.create().public))


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "x" * 65, "with space"])
def test_names_cannot_lead_out_of_the_folder(ring: KeyRing, name: str) -> None:
    with pytest.raises(BadInputError, match="not a name"):
        ring.trust(name, other_key())


def test_an_unknown_machine_is_explained(ring: KeyRing) -> None:
    ring.trust("stage-left", other_key())
    with pytest.raises(BadInputError, match='did you mean "stage-left"'):
        ring.public_key("stage-lef", key="cameras.left.driver.machine")
    with pytest.raises(BadInputError, match="keys trust hall KEY"):
        ring.forget("hall")


def test_a_damaged_trusted_file_is_named(ring: KeyRing) -> None:
    ring.trust("left", other_key())
    (ring.folder / "trusted" / "left.public").write_text("rubbish")
    with pytest.raises(BadInputError, match=r"left\.public"):
        ring.trusted()
