"""``calibrate``: where the cameras of a rig are and how they see, from recorded footage or live."""

from __future__ import annotations

import argparse
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.command import Result
from app.cli.console import Console
from app.commands.calibrate_steps import finish, known_intrinsics
from app.commands.options import split_overrides
from configs.errors import bad_input, did_you_mean

if TYPE_CHECKING:
    from calibration.board import Board
    from pipeline.calibrating.config import CalibrateConfig
    from pipeline.rigs.rig_config import RigConfig


class Command:
    """Find the board, solve, say what is wrong."""

    description = (
        "Calibrate cameras with a checkerboard or ChArUco board: lenses, places, and how late each camera's "
        "pictures are. With --from: from videos or pictures named by camera, a take, or stored board views; "
        "without: live, with the cameras of the rig, until there is enough. Exits with 2 when the recording "
        "cannot give a calibration and says why."
    )
    example = """
        launch.py calibrate --rig my_studio.yaml --board board.yaml --out calibration.yaml
        launch.py calibrate --from recordings/board --board board.yaml
        launch.py calibrate --from calibration_report --set extrinsics.estimate_lags=false --out no_lags.yaml
    """
    configurable = True

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Cameras, board, footage, what is known, output."""
        parser.add_argument(
            "--rig", type=Path, metavar="FILE", help="rig file with the cameras; not needed with --from"
        )
        parser.add_argument(
            "--board", type=Path, metavar="FILE", help="board.yaml, written by launch.py board"
        )
        parser.add_argument(
            "--from",
            dest="source",
            type=Path,
            metavar="INPUT",
            help="folder of videos or pictures named by camera, a take, or observations.npz",
        )
        known = parser.add_mutually_exclusive_group()
        known.add_argument(
            "--intrinsics",
            type=Path,
            metavar="FILE",
            help="take the lenses from this calibration, any format",
        )
        known.add_argument(
            "--intrinsics-from", type=Path, metavar="DIR", help="estimate the lenses from this other footage"
        )
        parser.add_argument(
            "--units", choices=("mm", "cm", "m"), help="units of an intrinsics file that does not state them"
        )
        parser.add_argument(
            "--model", choices=("auto", "pinhole", "rational", "fisheye"), help="lens model (auto)"
        )
        parser.add_argument(
            "--out",
            type=Path,
            default=Path("calibration.yaml"),
            metavar="FILE",
            help="where the calibration goes (calibration.yaml)",
        )
        parser.add_argument(
            "--report", type=Path, metavar="DIR", help="folder for report and board views (OUT_report)"
        )
        parser.add_argument("--no-report", action="store_true", help="skip the report's pictures")
        parser.add_argument(
            "--export", metavar="FORMATS", help="write toml, easymocap or qualisys, too; separated by commas"
        )
        parser.add_argument(
            "--seconds", type=float, metavar="S", help="live: end after S seconds even without enough views"
        )
        parser.add_argument(
            "--floor",
            action="store_true",
            help="live: wait until the board has lain on the floor, too, which gives the world",
        )
        parser.add_argument(
            "--resume", action="store_true", help="live: go on with the views in the report folder"
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Collect views, solve, write."""
        started = time.perf_counter()
        exports = _exports(args.export)
        rig_overrides, overrides = split_overrides(args.set)
        _check_options(args)
        from pipeline.calibrating.config import load_calibrate_config
        from pipeline.calibrating.files import report_folder

        config = load_calibrate_config(
            args.config, [*overrides, *_model_override(args), *_floor_override(args)]
        )
        board = _board(args)
        rig = _rig(args, rig_overrides)
        folder = report_folder(args.out, args.report)
        if args.source is not None:
            result = self._from_files(args, config, board, rig, folder, exports, console)
        else:
            assert rig is not None and board is not None
            from app.commands.calibrate_live import calibrate_live

            result = calibrate_live(args, config, board, rig, folder, exports, console)
        result["seconds"] = round(time.perf_counter() - started, 3)
        return result

    def _from_files(
        self,
        args: argparse.Namespace,
        config: CalibrateConfig,
        board: Board | None,
        rig: RigConfig | None,
        folder: Path,
        exports: tuple[str, ...],
        console: Console,
    ) -> Result:
        from calibration.warm_up import warm_up_meanwhile
        from pipeline.calibrating.board_footage import calibrate_findings, find_board_views
        from pipeline.calibrating.files import save_inputs

        started = time.perf_counter()
        names = rig.names if rig is not None else None
        warm_up_meanwhile()
        with console.progress("looking for the board", None, "pictures") as bar:
            findings = find_board_views(args.source, board, names, progress=bar.update)
        searched_s = time.perf_counter() - started
        observations = findings.observations
        known = known_intrinsics(args, observations.sizes, observations.board, config, console)
        save_inputs(folder, observations, config, known.cameras if known is not None else None)
        with console.progress("calibrating", 1.0) as bar:
            calibration = calibrate_findings(
                findings,
                config,
                known.cameras if known is not None else None,
                lambda stage, share: bar.update(share, note=stage),
                explaining=lambda: bar.update(1.0, note="looking for the reason"),
            )
        result = finish(args, folder, calibration, observations, exports, console, findings)
        result["search_seconds"] = round(searched_s, 3)
        return result

    def summary(self, result: Mapping[str, Any]) -> str:
        """How good it is, and everything that was noticed."""
        from app.commands.calibrate_words import calibration_words

        return "\n".join(calibration_words(result))


def _check_options(args: argparse.Namespace) -> None:
    if args.source is None and args.rig is None:
        raise bad_input(
            "say which cameras to calibrate",
            key="--rig",
            hint="--rig FILE calibrates live, --from INPUT from recorded footage",
        )
    if args.source is not None:
        for name, given in (
            ("--seconds", args.seconds is not None),
            ("--resume", args.resume),
            ("--floor", args.floor),
        ):
            if given:
                raise bad_input("belongs to a live calibration, not to --from", key=name)
    elif args.board is None:
        raise bad_input(
            "say what board is shown", key="--board", hint="launch.py board prints and describes one"
        )
    if args.seconds is not None and args.seconds <= 0:
        raise bad_input("must be positive", key="--seconds", value=args.seconds)


def _board(args: argparse.Namespace) -> Board | None:
    if args.board is None:
        return None
    from calibration.board import read_board

    return read_board(args.board)


def _rig(args: argparse.Namespace, overrides: tuple[str, ...]) -> RigConfig | None:
    if args.rig is None:
        return None
    from pipeline.rigs.rig_config import load_rig

    return load_rig(args.rig, overrides)


def _model_override(args: argparse.Namespace) -> list[str]:
    return [f"intrinsics.model={args.model}"] if args.model is not None else []


def _floor_override(args: argparse.Namespace) -> list[str]:
    return ["live.floor=wanted"] if args.floor else []


def _exports(text: str | None) -> tuple[str, ...]:
    from pipeline.calibrating.files import EXPORT_FORMATS

    names = [word.strip().lower() for word in (text or "").split(",") if word.strip()]
    names = ["easymocap" if name == "opencv" else name for name in names]
    for name in names:
        if name not in EXPORT_FORMATS:
            raise bad_input(
                "unknown calibration format",
                key="--export",
                value=name,
                allowed=", ".join(EXPORT_FORMATS),
                hint=did_you_mean(name, EXPORT_FORMATS),
            )
    return tuple(dict.fromkeys(names))
