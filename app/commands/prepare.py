"""``prepare``: from the downloads of a data set to the files that evaluations read."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.console import Console
from app.commands import prepare_takes
from configs.errors import bad_input

STEPS = ("frames", "boxes", "labels", "limbs", "undistort")
DEFAULT_STEPS = "boxes,labels,limbs"


class Command:
    """Data sets by name."""

    description = (
        "Turn the downloads of a data set into label files. Boxes and pictures that are done are "
        "kept: an interrupted run goes on where it ended."
    )
    example = """
        launch.py prepare human36m data/human36m
        launch.py prepare human36m data/human36m --steps frames,boxes,labels,limbs
        launch.py prepare human36m data/human36m --steps undistort
        launch.py prepare mpi_inf_3dhp data/mpi_inf_3dhp
        launch.py prepare takes takes/walk_01 takes/walk_02 --held-out cam4 --out data/our_studio
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One sub-command per data set."""
        sets = parser.add_subparsers(dest="dataset", required=True, metavar="human36m|mpi_inf_3dhp|takes")
        human36m = sets.add_parser(
            "human36m",
            description="Below DIR: processed/S9/Directions-1/imageSequence/54138969/img_000001.jpg and so "
            "on (the step frames makes them from videos/S9/Videos/Directions 1.54138969.mp4 and so on), "
            "processed/S9/MySegmentsMat/ground_truth_bb/*.mat, extra/una-dinosauria-data/h36m/cameras.h5 "
            "and S9/MyPoses/3D_positions/*.h5. Writes the label file and the limb lengths to extra.",
        )
        human36m.add_argument("folder", type=Path, metavar="DIR", help="the data set's folder")
        human36m.add_argument(
            "--steps",
            default=DEFAULT_STEPS,
            metavar="NAME[,NAME...]",
            help=f"{', '.join(STEPS)}; frames is for those who start from the videos; undistort writes a "
            f"second copy of all pictures and is never needed "
            f"({DEFAULT_STEPS})",
        )

        human36m.add_argument(
            "--every",
            type=int,
            metavar="N",
            help="with frames: keep every N-th, instead of those that published results keep",
        )

        wild = sets.add_parser(
            "mpi_inf_3dhp",
            description="The pictures that training takes, out of the videos. Below DIR: "
            "S1/Seq1/annot.mat, S1/Seq1/camera.calibration, S1/Seq1/imageSequence/video_0.avi and so on to "
            "S8/Seq2; writes S1/Seq1/imageSequence/video_0/frame_000001.jpg and so on.",
        )
        wild.add_argument("folder", type=Path, metavar="DIR", help="the data set's folder")
        wild.add_argument(
            "--every", type=int, metavar="N", help="of the frames every N-th in which somebody moved (5)"
        )

        prepare_takes.add_arguments(
            sets.add_parser(
                "takes",
                description="Crops of people in takes with poses, and the joints that their cameras agree "
                "about: what studio_lite is trained further on for one's own rig, without labels.",
            )
        )

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Run the steps in their order."""
        if args.dataset == "takes":
            return prepare_takes.prepare(args, console)
        if args.dataset == "mpi_inf_3dhp":
            if not args.folder.is_dir():
                raise bad_input("no such folder", file=args.folder)
            return {"steps": {"frames": _run("frames_3dhp", args, console)}}
        asked = [word.strip() for word in args.steps.split(",") if word.strip()]
        for word in asked:
            if word not in STEPS:
                raise bad_input("unknown step", key="--steps", value=word, allowed=", ".join(STEPS))
        if not asked:
            raise bad_input("names no step", key="--steps", value=args.steps, allowed=", ".join(STEPS))
        if not args.folder.is_dir():
            raise bad_input("no such folder", file=args.folder)
        (args.folder / "extra").mkdir(exist_ok=True)
        return {"steps": {step: _run(step, args, console) for step in STEPS if step in asked}}

    def summary(self, result: Mapping[str, Any]) -> str:
        """What each step left."""
        if "steps" not in result:
            return prepare_takes.words(result)
        return "\n".join(f"{step}: {text}" for step, text in result["steps"].items())


def _run(step: str, args: argparse.Namespace, console: Console) -> str:
    folder: Path = args.folder
    from models.datasets.registry import PREPARATION

    run = PREPARATION.load(step)
    unit = {"undistort": "pictures", "frames": "videos", "frames_3dhp": "videos"}.get(step, "recordings")
    with console.progress(step.partition("_")[0], unit=unit) as bar:

        def show(done: int, total: int, what: str) -> None:
            bar.update(done, total=total, note=what)

        if step.startswith("frames"):
            return f"wrote {run(folder, show, every=args.every)} pictures"
        if step in ("boxes", "labels"):
            return f"wrote {run(folder, show)}"
        from models.datasets.human36m_labels import read_labels
        from models.datasets.human36m_preparation import LABEL_FILE
        from models.datasets.limb_lengths import LIMB_FILE

        labels = read_labels(folder / "extra" / LABEL_FILE)
        if step == "undistort":
            return f"wrote {run(folder, labels, show)} pictures"
        run(folder / "extra" / LIMB_FILE, labels)
        return f"wrote {folder / 'extra' / LIMB_FILE}"
