"""The long run: ``python -m tests.fuzz --seconds 1200``; ``make fuzz SECONDS=1200`` calls it.

Readers are tried in turns, each turn in a process of its own, so that one that kills its process is found,
too. What was found is kept with its input in ``build/fuzz``.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import logging
import subprocess
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter
from pathlib import Path
from random import Random

REPOSITORY = Path(__file__).parents[2]
FOUND = REPOSITORY / "build" / "fuzz"
SLICE_S = 4.0
HANGS_S = 300.0
"""Of the clock: on a machine that is busy a slice takes some ten times its processor time."""


def main() -> int:
    """Exit code 0 when nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long in all (60)")
    parser.add_argument(
        "--seed", type=int, default=None, help="of the first slice; the clock's when not given"
    )
    parser.add_argument("--only", default="", help="readers whose name contains this")
    parser.add_argument("--slice", nargs=3, metavar=("READER", "SEED", "SECONDS"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.slice:
        return _slice(args.slice[0], int(args.slice[1]), float(args.slice[2]))
    from tests.fuzz.all_targets import names as all_names

    names = [name for name in all_names() if args.only in name]
    if not names:
        parser.error(f'no reader has "{args.only}" in its name')
    seed = args.seed if args.seed is not None else time.time_ns() % 1_000_000_000
    started, tried, findings = time.monotonic(), Counter[str](), dict[str, str]()
    turn, shuffle = 0, Random(seed)
    shuffle.shuffle(names)
    while time.monotonic() - started < args.seconds:
        name = names[turn % len(names)]
        left = max(args.seconds / len(names), 1.0)
        command = [
            sys.executable,
            "-m",
            "tests.fuzz",
            "--slice",
            name,
            str(seed + turn),
            str(min(SLICE_S, left)),
        ]
        done = _run(command)
        if done.returncode == 0:
            result = json.loads(done.stdout.splitlines()[-1])
            tried[name] += result["tried"]
            for place, words in result["findings"].items():
                _note(findings, f"{name}: {place}", words)
        else:
            words = f"process ended with {done.returncode}, seed {seed + turn}\n{done.stderr[-2000:]}"
            _note(findings, f"{name}: the process", words)
        turn += 1
        seconds, inputs = time.monotonic() - started, sum(tried.values())
        _say(f"{seconds:6.0f} s  {inputs} inputs  {len(findings)} found  {name}")
    _say("")
    for name in names:
        _say(f"{tried[name]:9d}  {name}")
    for place in findings:
        _say(f"found: {place}")
    _say(f"\n{sum(tried.values())} inputs in {time.monotonic() - started:.0f} s, {len(findings)} found")
    return 1 if findings else 0


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    """A slice; one that hangs where no signal reaches it is ended, and says where it was."""
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=False, cwd=REPOSITORY, timeout=HANGS_S
        )
    except subprocess.TimeoutExpired as expired:
        words = expired.stderr.decode() if isinstance(expired.stderr, bytes) else str(expired.stderr or "")
        return subprocess.CompletedProcess(command, -1, "", f"hung for {HANGS_S:.0f} s\n{words}")


def _note(findings: dict[str, str], place: str, words: str) -> None:
    if place not in findings:
        findings[place] = words
        _say(f"\nFOUND {place}\n{words}")


def _slice(name: str, seed: int, seconds: float) -> int:
    """One reader for some seconds of processor time; the result as JSON on the last line."""
    from tests.fuzz.all_targets import prepare

    logging.disable()
    faulthandler.enable()
    faulthandler.dump_traceback_later(HANGS_S - 20, exit=True)
    warnings.simplefilter("ignore")
    dice = Random(seed)
    tried, findings = 0, {}
    with tempfile.TemporaryDirectory(prefix="posestage-fuzz-") as folder:
        prepared = prepare(name, Path(folder))
        until = time.process_time() + seconds
        while time.process_time() < until:
            data = prepared.damaged(dice)
            tried += 1
            try:
                prepared.try_bytes(data)
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # whatever it is, it should not have come out
                place = _place(error)
                if place not in findings:
                    FOUND.mkdir(parents=True, exist_ok=True)
                    kept = FOUND / f"{name}-{len(findings)}-{seed}"
                    kept.write_bytes(data)
                    findings[place] = f"input: {kept}\n{''.join(traceback.format_exception(error))[-3000:]}"
    _say(json.dumps({"tried": tried, "findings": findings}))
    return 0


def _place(error: BaseException) -> str:
    """Type, and the line of ours that it came out of."""
    ours = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if frame.filename.startswith(str(REPOSITORY)) and ".venv" not in frame.filename
    ]
    inner = next((frame for frame in reversed(ours) if "/tests/" not in frame.filename), ours[-1])
    return f"{type(error).__name__} in {Path(inner.filename).relative_to(REPOSITORY)}:{inner.lineno}"


def _say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
