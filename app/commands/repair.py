"""``repair``: an interrupted take becomes complete again."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console


class Command:
    """Complete a take whose recording was killed."""

    description = (
        "Make a take complete again whose recording was interrupted, and say what is missing. Nothing is "
        "thrown away: files that have to be replaced are kept in the take's folder damaged/. With --check "
        "nothing is changed: it only says whether every file is whole and every captured frame accounted for."
    )
    example = """
        launch.py repair takes/walk_01
        launch.py repair --check takes/walk_01
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """The take."""
        parser.add_argument("take", metavar="TAKE", type=Path, help="folder of the take")
        parser.add_argument(
            "--check",
            action="store_true",
            help="only say whether the take is intact (2: it is not)",
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Repair, then draw what a complete take has."""
        from pipeline.take.finish import finish_take
        from pipeline.take.repair import repair_take

        if args.check:
            return self._check(args.take)
        repaired = repair_take(args.take)
        if repaired.changed:
            with console.progress("drawing preview and report") as bar:
                finish_take(args.take, bar)
        return {
            "take": args.take,
            "changed": repaired.changed,
            "cameras": {name: totals.to_dict() for name, totals in repaired.totals.items()},
            "poses": repaired.poses,
            "missing": list(repaired.missing),
        }

    @staticmethod
    def _check(folder: Path) -> Result:
        from configs.errors import bad_input
        from pipeline.take.verify import check_take

        check = check_take(folder)
        if not check.intact:
            raise bad_input("is not intact: " + "; ".join(check.problems), file=folder)
        return {
            "take": folder,
            "intact": True,
            "state": check.state,
            "cameras": {name: totals.to_dict() for name, totals in check.totals.items()},
            "longest_gap_s": check.longest_gap_s,
            "poses": check.poses,
            "not_shown": {
                name: {"without_key": found.without_key, "after_loss": found.after_loss}
                for name, found in check.unshown.items()
                if found.frames
            },
            "notes": list(check.notes),
        }

    def summary(self, result: Mapping[str, Any]) -> str:
        """What was found."""
        if "intact" in result:
            captured = sum(totals["captured"] for totals in result["cameras"].values())
            dropped = captured - sum(totals["recorded"] for totals in result["cameras"].values())
            intact = (
                f"{result['take']}: intact ({result['state']}); {captured} frames captured, "
                f"{captured - dropped} recorded, {dropped} dropped with a cause; {result['poses']} poses"
            )
            return "\n".join([intact, *result["notes"]])
        if not result["changed"]:
            return f"{result['take']}: is complete, nothing to repair"
        frames = ", ".join(f"{name} {totals['recorded']}" for name, totals in result["cameras"].items())
        missing = result["missing"] or ["nothing is missing"]
        return "\n".join([f"{result['take']}: repaired; frames: {frames}; {result['poses']} poses", *missing])
