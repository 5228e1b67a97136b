"""``grabber``: a camera of this machine for a host elsewhere."""

from __future__ import annotations

import argparse
import contextlib
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Final

from app.cli.command import Result
from app.cli.console import Console
from app.cli.values import duration
from app.commands.options import split_overrides

if TYPE_CHECKING:
    from pipeline.remote.camera_server import CameraServer
    from pipeline.rigs.rig_config import CameraConfig, RigConfig

DEFAULT_ADDRESS: Final = "tcp://127.0.0.1:5590"
_MB: Final = 1 << 20


class Command:
    """Serve one camera until told to end."""

    description = (
        "Serve one camera of this machine to a host that films with it: JPEG over TCP, with times that the "
        "host maps to its own clock. Listens on this machine only unless told otherwise; any other address "
        "needs keys (launch.py keys). The camera films only while a host wants it. Ends with Ctrl-C. "
        "docs/remote.md has the five steps."
    )
    example = """
        launch.py grabber --rig stage_left.yaml --listen tcp://0.0.0.0:5590
        launch.py grabber --rig stage_left.yaml --camera front --listen tcp://192.168.1.20:5591
    """
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Camera, address, room."""
        parser.add_argument(
            "--rig", type=Path, required=True, metavar="FILE", help="rig file with the camera"
        )
        parser.add_argument("--camera", metavar="NAME", help="which one, where the rig has several")
        parser.add_argument(
            "--listen", default=DEFAULT_ADDRESS, metavar="ADDRESS", help=f"where ({DEFAULT_ADDRESS})"
        )
        parser.add_argument(
            "--keys", type=Path, metavar="DIR", help="folder of the keys (that of the user's settings)"
        )
        parser.add_argument(
            "--encrypt", action="store_true", help="ask for keys on an address of this machine, too"
        )
        parser.add_argument(
            "--buffer-seconds",
            type=float,
            default=10.0,
            metavar="S",
            help="how long pictures wait while the network is cut or slow (10)",
        )
        parser.add_argument(
            "--buffer-mb", type=int, default=256, metavar="MB", help="how much of them may wait (256)"
        )
        parser.add_argument("--seconds", type=float, metavar="S", help="end by itself after this time")

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Check the camera, listen, serve."""
        from configs.errors import bad_input
        from pipeline.processes.endpoints import tcp_address
        from pipeline.remote.camera_server import CameraServer, Room
        from pipeline.remote.keys import KeyRing
        from pipeline.remote.sockets import Listener
        from pipeline.rigs.rig_config import load_rig

        duration(args.seconds)
        for option, value in (("--buffer-seconds", args.buffer_seconds), ("--buffer-mb", args.buffer_mb)):
            if not value > 0:
                raise bad_input("must be positive", key=option, value=value)
        rig_overrides, others = split_overrides(args.set)
        if args.config is not None:
            raise bad_input(
                "has no use here; settings are in the rig file", key="--config", value=args.config
            )
        if others:
            raise bad_input("only settings of the rig can be changed here", value=others[0], allowed="rig.…")
        camera = _camera(load_rig(args.rig, rig_overrides), args.camera, args.rig)
        address = tcp_address(args.listen, key="--listen", any_port=True)
        open_door = address.only_this_machine and not args.encrypt
        ring = None if open_door else KeyRing(args.keys.expanduser() if args.keys is not None else None)
        listener = Listener(address, ring)
        try:
            if ring is not None and not ring.trusted():
                console.tell(
                    "no machine is trusted yet; on the host: launch.py keys show, then here: keys trust"
                )
            room = Room(args.buffer_mb * _MB, args.buffer_seconds)
            server = CameraServer(camera, listener, room)
            with console.progress(f"opening {camera.name}"):
                info = server.check()
            size = f"{info.size[0]}x{info.size[1]} at {info.fps:g} fps"
            console.tell(f"{camera.name} ({info.device}, {size}) waits for a host on {listener.endpoint}")
            interrupted = _serve(server, console, args.seconds)
            result: Result = {"address": listener.endpoint, **server.telemetry()}
        finally:
            listener.close()
        if interrupted:
            result["exit_code"] = 130
        return result

    def summary(self, result: Mapping[str, Any]) -> str:
        """The sender's ledger."""
        dropped = ", ".join(f"{count} {cause}" for cause, count in result["dropped"].items())
        return (
            f"{result['camera']}: {result['captured']} captured = {result['delivered']} delivered"
            + (f" + dropped ({dropped})" if dropped else " + 0 dropped")
            + f", {result['hosts']} host{'s' if result['hosts'] != 1 else ''}"
            + (f", {result['refused']} refused" if result["refused"] else "")
        )


def _camera(rig: RigConfig, name: str | None, file: Path) -> CameraConfig:
    from configs.errors import bad_input, did_you_mean

    if name is None and len(rig.cameras) > 1:
        raise bad_input(
            "the rig has several cameras, and one grabber serves one",
            file=file,
            allowed=", ".join(rig.names),
            hint="choose with --camera NAME and start one grabber for each, on ports of their own",
        )
    found = next((camera for camera in rig.cameras if name in {None, camera.name}), None)
    if found is None:
        assert name is not None
        raise bad_input(
            "the rig has no such camera",
            file=file,
            key="--camera",
            value=name,
            allowed=", ".join(rig.names),
            hint=did_you_mean(name, rig.names),
        )
    if found.driver_type == "remote":
        raise bad_input(
            "is itself a camera of another machine; start the grabber there",
            file=file,
            key="--camera",
            value=found.name,
        )
    return found


def _serve(server: CameraServer, console: Console, seconds: float | None) -> bool:
    """Serve until the time is over; whether it was interrupted."""
    began, told = time.monotonic(), ""
    with _requests_noted() as asked:

        def go_on() -> bool:
            nonlocal told
            state = server.telemetry()
            words = f"{state['camera']}: {state['state']}" + (
                f", {state['message']}" if state["message"] else ""
            )
            if words != told:
                console.tell(words)
                told = words
            return not asked.is_set() and (seconds is None or time.monotonic() - began < seconds)

        server.run(go_on)
        return asked.is_set()


@contextlib.contextmanager
def _requests_noted() -> Iterator[threading.Event]:
    """Note the first Ctrl-C or polite request to end, so that it does not tear apart what happens just then.

    A second one ends at once, as elsewhere.
    """
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked
        return
    before: dict[signal.Signals, Any] = {}

    def note(number: int, frame: FrameType | None) -> None:
        asked.set()
        for one, handler in before.items():
            signal.signal(one, handler)

    for number in (signal.SIGINT, signal.SIGTERM):
        before[number] = signal.signal(number, note)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
