"""Addresses: of one session's channels, and of other machines."""

from __future__ import annotations

import ipaddress
import os
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from configs.errors import bad_input
from pipeline.processes.node import Endpoints

_TCP: Final = re.compile(r"tcp://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):(\*|[0-9]{1,5})")

_CHANNELS: Final = ("commands", "reports", "frames", "records", "poses")


def session_endpoints(folder: Path, poses_public: str = "") -> Endpoints:
    """Addresses that only this machine can reach, and that no other session has.

    Args:
        folder: The session's own, new folder.
        poses_public: Where other programs may subscribe to poses; "" for nowhere.
    """
    if sys.platform == "win32":  # no ipc there
        start = 20_000 + os.getpid() % 20_000
        own = {name: f"tcp://127.0.0.1:{start + place}" for place, name in enumerate(_CHANNELS)}
    else:
        own = {name: f"ipc://{folder}/{name}" for name in _CHANNELS}
    return Endpoints(poses_public=poses_public, **own)


@dataclass(frozen=True)
class TcpAddress:
    """Where a program listens, as ZeroMQ writes it: ``tcp://HOST:PORT``.

    Attributes:
        host: Name, IPv4 address, or IPv6 address in brackets.
        port: 1 to 65535; 0 lets the system choose (``*``).
    """

    host: str
    port: int

    def __str__(self) -> str:
        return f"tcp://{self.host}:{self.port or '*'}"

    @property
    def only_this_machine(self) -> bool:
        """Whether nobody but programs of this machine can be on the other side."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host.strip("[]")).is_loopback
        except ValueError:
            return False  # a name: whoever answers to it


def tcp_address(text: str, *, key: str, any_port: bool = False) -> TcpAddress:
    """Read an address that a user gave.

    Args:
        text: Such as ``tcp://192.168.1.20:5590``.
        key: Where it was given, for the message.
        any_port: Whether ``*`` is allowed as the port.

    Raises:
        BadInputError: It is not one.
    """
    found = _TCP.fullmatch(text)
    port = found[2] if found else ""
    if found is None or (port == "*" and not any_port) or (port != "*" and not 0 < int(port) < 65536):
        allowed = "tcp://HOST:PORT, such as tcp://192.168.1.20:5590" + (
            ", port * for any" if any_port else ""
        )
        raise bad_input("is not an address", key=key, value=text, allowed=allowed)
    return TcpAddress(found[1], 0 if port == "*" else int(port))
