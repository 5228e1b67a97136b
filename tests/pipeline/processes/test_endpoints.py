from __future__ import annotations

import pytest

from configs.errors import BadInputError
from pipeline.processes.endpoints import tcp_address


@pytest.mark.parametrize(
    ("text", "only_this_machine"),
    [
        ("tcp://127.0.0.1:5590", True),
        ("tcp://127.1.2.3:1", True),
        ("tcp://localhost:65535", True),
        ("tcp://[::1]:5590", True),
        ("tcp://0.0.0.0:5590", False),
        ("tcp://[::]:5590", False),
        ("tcp://192.168.1.20:5590", False),
        ("tcp://stage-left.local:5590", False),
        ("tcp://localhost.example:5590", False),
    ],
)
def test_addresses_know_who_can_reach_them(text: str, only_this_machine: bool) -> None:
    address = tcp_address(text, key="address")
    assert str(address) == text
    assert address.only_this_machine is only_this_machine


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.168.1.20:5590",
        "tcp://192.168.1.20",
        "tcp://host:0",
        "tcp://host:65536",
        "tcp://host:*",
        "tcp://:5590",
        "tcp://*:5590",
        "udp://host:5590",
        "tcp://ho st:5590",
        "tcp://host:5590/x",
        "ipc:///tmp/x",
    ],
)
def test_what_is_no_address_is_bad_input(text: str) -> None:
    with pytest.raises(BadInputError, match=r"--listen.*tcp://HOST:PORT"):
        tcp_address(text, key="--listen")


def test_any_port_where_it_makes_sense() -> None:
    address = tcp_address("tcp://127.0.0.1:*", key="--listen", any_port=True)
    assert address.port == 0
    assert str(address) == "tcp://127.0.0.1:*"
