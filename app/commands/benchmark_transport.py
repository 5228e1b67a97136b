"""``benchmark transport``: pictures from several processes to one, against other ways to do it."""

from __future__ import annotations

import argparse

from app.cli.command import Result
from app.cli.console import Console
from app.cli.values import picture_size
from configs.errors import bad_input


def add_transport(parts: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """The sub-command's options."""
    transport = parts.add_parser(
        "transport",
        description="Pictures from several processes to one: shared memory as the live pipeline does it, "
        "against plain ZeroMQ with raw pixels and with JPEG, and against imagezmq (posestage[bench]).",
    )
    transport.add_argument(
        "--producers", type=int, nargs="+", default=[1, 4, 8], metavar="N", help="sending processes (1 4 8)"
    )
    transport.add_argument(
        "--size", nargs="+", default=["1280x720", "1920x1080"], metavar="WxH", help="(1280x720 1920x1080)"
    )
    transport.add_argument(
        "--against",
        nargs="*",
        default=["zeromq_raw", "zeromq_jpeg", "imagezmq"],
        metavar="WAY",
        help="other ways (zeromq_raw zeromq_jpeg imagezmq)",
    )
    transport.add_argument("--fps", type=float, default=30.0, help="pace while latency is measured (30)")
    transport.add_argument(
        "--read",
        choices=("page", "line"),
        default="page",
        help="what the consumer touches: a byte of every page, or of every cache line, which costs all of "
        "them the same on top (page)",
    )
    transport.add_argument(
        "--seconds", type=float, default=3.0, metavar="S", help="for each of two measurements a row (3)"
    )


def run_transport(args: argparse.Namespace, console: Console) -> Result:
    """Measure.

    Raises:
        BadInputError: A number out of range, or an unknown way.
        MissingExtraError: imagezmq is asked for and not installed.
    """
    for count in args.producers:
        if not 1 <= count <= 64:
            raise bad_input("out of range", key="--producers", value=count, allowed="1 to 64")
    for name, value, least, most in (("fps", args.fps, 1, 1000), ("seconds", args.seconds, 0.2, 600)):
        if not least <= value <= most:
            raise bad_input("out of range", key=f"--{name}", value=value, allowed=f"{least} to {most}")
    from pipeline.benchmarks.transport import benchmark_transport
    from pipeline.benchmarks.transports import CACHE_LINE, PAGE, TRANSPORTS

    ways = list(dict.fromkeys(["posestage", *args.against]))
    for way in ways:
        TRANSPORTS.check(way, key="--against")
    sizes = [picture_size(size) for size in args.size]
    total = len(ways) * len(sizes) * len(args.producers)
    with console.progress("measuring transport", total, "rows") as bar:
        return benchmark_transport(
            ways,
            producers=args.producers,
            sizes=sizes,
            fps=args.fps,
            seconds=args.seconds,
            stride=PAGE if args.read == "page" else CACHE_LINE,
            progress=lambda what: bar.update(bar.done + 1, note=what),
        )
