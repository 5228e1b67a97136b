"""Keys of machines: who this one is, and whom it trusts. Like those of ssh, files in a folder of the user.

``own.key`` holds the pair of this machine and can be read by its owner only; ``trusted/NAME.public`` holds
the public key of another machine. Both sides must trust each other.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import stat
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import zmq
from platformdirs import user_config_path
from pydantic import Field
from zmq.utils import z85

from configs.atomic_file import write_atomic
from configs.errors import bad_input, did_you_mean
from configs.loading import Config, parse_config, read_text, read_yaml

OWN_FILE: Final = "own.key"
_TRUSTED: Final = "trusted"
_SUFFIX: Final = ".public"
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_CHECK_BYTES: Final = 3
"""With them a key is 35 bytes or 56 letters, and a slip in copying is noticed."""

_LETTERS: Final = 56

Kind = Literal["public", "secret"]


class _OwnKey(Config):
    public: str = Field(min_length=_LETTERS, max_length=_LETTERS)
    secret: str = Field(repr=False, min_length=_LETTERS, max_length=_LETTERS)


@dataclass(frozen=True)
class KeyPair:
    """This machine's own key; both in the form that ZeroMQ takes (Z85)."""

    public: bytes
    secret: bytes

    def __repr__(self) -> str:
        return f"KeyPair({key_text(self.public)})"


def key_text(key: bytes, kind: Kind = "public") -> str:
    """A key as one word of lower-case letters and digits, with a checksum: safe in shells, yaml and mail."""
    raw = z85.decode(key)
    return base64.b32encode(raw + _checksum(raw, kind)).decode().lower()


def _checksum(raw: bytes, kind: Kind) -> bytes:
    """Differs by kind, so that a secret key is never taken for a public one and handed on."""
    return hashlib.sha256(f"posestage {kind} key".encode() + raw).digest()[:_CHECK_BYTES]


def key_from_text(text: str, kind: Kind = "public", *, source: Path | None = None) -> bytes:
    """Back from ``key_text``.

    Raises:
        BadInputError: That is no key, one of the other kind, or one with a slip in it.
    """
    try:
        data = base64.b32decode(text.strip().upper())
    except (binascii.Error, ValueError):
        data = b""
    raw, check = data[:32], data[32:]
    if kind == "public" and check == _checksum(raw, "secret"):
        raise bad_input(
            "is a secret key, which no other machine may have",
            file=source,
            hint="copy what launch.py keys show prints there; if others saw the secret: "
            "launch.py keys new --replace",
        )
    if len(data) != 32 + _CHECK_BYTES or check != _checksum(raw, kind):
        raise bad_input(
            "is not a key, or was not copied whole",
            file=source,
            allowed=f"{_LETTERS} letters and digits as launch.py keys show prints them",
        )
    encoded: bytes = z85.encode(raw)
    return encoded


class KeyRing:
    """A folder of keys.

    Args:
        folder: Where; None takes the user's own.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder if folder is not None else user_config_path("posestage") / "keys"

    @property
    def own_file(self) -> Path:
        """File with this machine's own key."""
        return self.folder / OWN_FILE

    def create(self, *, replace: bool = False) -> KeyPair:
        """Make this machine's own key, in a file that only its owner can read.

        Raises:
            BadInputError: There is one and ``replace`` is False, or the folder cannot be written.
        """
        if self.own_file.exists() and not replace:
            raise bad_input(
                "this machine has a key already; machines that trust it know that one",
                file=self.own_file,
                hint="show it with launch.py keys show, or make another with --replace",
            )
        public, secret = zmq.curve_keypair()
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise bad_input(f"cannot be made: {error.strerror}", file=self.folder) from error
        text = (
            "# Key of this machine. Keep it here and secret: who has it can pose as this machine.\n"
            f"public: {key_text(public)}\n"
            f"secret: {key_text(secret, 'secret')}\n"
        )
        write_atomic(self.own_file, text, mode=0o600)
        return KeyPair(public, secret)

    def own(self) -> KeyPair:
        """This machine's own key.

        Raises:
            BadInputError: There is none, others can read it, or the file is damaged.
        """
        if not self.own_file.exists():
            raise bad_input(
                "this machine has no key", file=self.own_file, hint="make one with launch.py keys new"
            )
        mode = stat.S_IMODE(self.own_file.stat().st_mode)
        if sys.platform != "win32" and mode & 0o077:
            raise bad_input(
                "other users of this machine can read the secret key",
                file=self.own_file,
                value=f"{mode:04o}",
                hint=f"chmod 600 {self.own_file}; if somebody may have read it, make another with "
                "launch.py keys new --replace",
            )
        data = parse_config(_OwnKey, read_yaml(self.own_file), source=self.own_file)
        pair = KeyPair(
            key_from_text(data.public, source=self.own_file),
            key_from_text(data.secret, "secret", source=self.own_file),
        )
        if zmq.curve_public(pair.secret) != pair.public:
            raise bad_input(
                "public and secret key do not belong together",
                file=self.own_file,
                hint="make another with launch.py keys new --replace",
            )
        return pair

    def trust(self, name: str, key: str) -> bool:
        """Let a machine in, under a name.

        Args:
            name: How it is called here.
            key: Its public key as text, or a file that holds it.

        Returns:
            Whether that is new.

        Raises:
            BadInputError: Bad name, no key, or the name is another machine's.
        """
        path = self._file_of(name)
        file = Path(key).expanduser()
        from_file = os.path.sep in key or file.suffix == _SUFFIX
        public = key_from_text(read_text(file), source=file) if from_file else key_from_text(key)
        if self.own_file.exists() and public == self.own().public:
            raise bad_input("that is the key of this very machine", value=name)
        for other, known in self.trusted().items():
            if other == name and known == public:
                return False
            if other == name:
                raise bad_input(
                    "another key is trusted under this name",
                    value=name,
                    hint=f"if the machine has a new key: launch.py keys forget {name}",
                )
            if known == public:
                raise bad_input(f'that key is trusted already, as "{other}"', value=name)
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        write_atomic(path, f"{key_text(public)}\n")
        return True

    def forget(self, name: str) -> None:
        """Trust a machine no longer.

        Raises:
            BadInputError: No machine is called so.
        """
        self.public_key(name)
        self._file_of(name).unlink()

    def trusted(self) -> dict[str, bytes]:
        """Public keys by name.

        Raises:
            BadInputError: A file there is not a key.
        """
        folder = self.folder / _TRUSTED
        if not folder.is_dir():
            return {}
        files = sorted(file for file in folder.iterdir() if file.suffix == _SUFFIX)
        return {file.stem: key_from_text(read_text(file), source=file) for file in files}

    def public_key(self, name: str, *, key: str | None = None) -> bytes:
        """Public key of a trusted machine.

        Args:
            name: As it was given to ``trust``.
            key: The configuration key the name stands in, for the message.

        Raises:
            BadInputError: No machine is called so.
        """
        trusted = self.trusted()
        if name not in trusted:
            raise bad_input(
                "no machine of this name is trusted",
                key=key,
                value=name,
                allowed=", ".join(trusted) or None,
                hint=did_you_mean(name, trusted)
                or f"copy its key from launch.py keys show there, then: launch.py keys trust {name} KEY",
            )
        return trusted[name]

    def name_of(self, public: bytes) -> str | None:
        """The name of a trusted machine by its public key; None where it is not trusted."""
        return next((name for name, known in self.trusted().items() if known == public), None)

    def _file_of(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise bad_input(
                "is not a name for a machine",
                value=name,
                allowed="letters, digits, dot, dash and underscore, at most 64",
            )
        return self.folder / _TRUSTED / f"{name}{_SUFFIX}"
