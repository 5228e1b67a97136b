"""Many faults at random moments, and a table of what they cost: the first part of ``make soak``.

python -m tests.faults.series --runs 25 --out build/faults
python -m tests.faults.series --runs 5 --how stop --victims recorder,grabber
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import statistics
import sys
from pathlib import Path

from configs.errors import PosestageError
from tests.faults.injector import inject
from tests.faults.outcome import Outcome

VICTIMS = ("recorder", "grabber", "inference", "supervisor")


def main() -> int:
    """Run the series; 1 when a take was not intact or a camera lost frames for another's sake."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--runs", type=int, default=25, help="runs of each victim")
    parser.add_argument("--victims", default=",".join(VICTIMS))
    parser.add_argument("--how", default="kill", help="kill, stop, pause; several with commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path("build/faults"))
    parser.add_argument("--loud", action="store_true", help="let the capture go before other programs")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    outcomes: list[Outcome] = []
    failures = 0
    log = args.out / "runs.jsonl"
    for number in range(args.runs):
        for how in args.how.split(","):
            for victim in args.victims.split(","):
                dice = random.Random(f"{args.seed} {victim} {how} {number}")
                folder = args.out / f"{victim}-{how}-{number}-{os.getpid()}"
                try:
                    outcome = inject(folder, victim, how, dice, loud=args.loud)
                except (AssertionError, PosestageError) as error:
                    failures += 1
                    sys.stdout.write(f"{victim} {how} {number}: FAILED {error}\n")
                    continue
                outcomes.append(outcome)
                with log.open("a", encoding="utf-8") as stream:
                    stream.write(json.dumps(outcome.to_dict()) + "\n")
                good = outcome.intact and not outcome.lost_by_others
                if good:
                    shutil.rmtree(folder)
                failures += not good
                words = "ok" if good else f"NOT GOOD {outcome.to_dict()}"
                sys.stdout.write(f"{victim} {how} {number}: {words}\n")
                sys.stdout.flush()
    sys.stdout.write(table(outcomes))
    return int(bool(failures))


def table(outcomes: list[Outcome]) -> str:
    """One line for each victim and kind of fault, in Markdown."""
    lines = [
        "| what | how | runs | takes intact | had to be repaired | longest loss of the victim, s "
        "| longest pause of others, s | frames lost by others | rendered late by others | back after, s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    kinds = sorted({(_kind(outcome), outcome.how) for outcome in outcomes})
    for kind, how in kinds:
        some = [outcome for outcome in outcomes if (_kind(outcome), outcome.how) == (kind, how)]
        own = [loss for one in some for camera, loss in one.loss_s.items() if camera == one.victim_camera]
        others = [loss for one in some for camera, loss in one.loss_s.items() if camera != one.victim_camera]
        back = [one.back_s for one in some if one.back_s is not None]
        middle = f"{statistics.median(back):.1f} (longest {max(back):.1f})" if back else ""
        lines.append(
            f"| {kind} | {how} | {len(some)} | {sum(one.intact for one in some)} "
            f"| {sum(one.state == 'recording' for one in some)} | {max(own):.2f} "
            if own
            else f"| {kind} | {how} | {len(some)} | {sum(one.intact for one in some)} "
            f"| {sum(one.state == 'recording' for one in some)} | "
        )
        lines[-1] += (
            f"| {max(others):.2f} | {sum(one.lost_by_others for one in some)} "
            f"| {sum(one.late_by_others for one in some)} | {middle} |"
        )
    return "\n".join(lines) + "\n"


def _kind(outcome: Outcome) -> str:
    return "one grabber" if outcome.victim_camera else outcome.victim


if __name__ == "__main__":
    raise SystemExit(main())
