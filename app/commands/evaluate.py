"""``evaluate human36m|panoptic``: published protocols on data that the user has."""

from __future__ import annotations

import argparse
import math
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.command import Result
from app.cli.console import Console
from app.cli.output import columns
from app.commands import (
    evaluate_crops,
    evaluate_lifting,
    evaluate_metrabs,
    evaluate_predictions,
    evaluate_studio,
)
from configs.errors import bad_input

if TYPE_CHECKING:
    from models.evaluation.human36m_run import Evaluation
    from models.evaluation.predict import MultiviewModel

KINDS = ("ransac", "algebraic", "volumetric", "contextpose")
PANOPTIC_SKELETONS = ("coco_17", "human36m_lt17", "cmu_19")


class Command:
    """Protocols by name."""

    description = (
        "Measure a network, or predictions that are already in a file, by a published protocol. "
        "The data sets are not part of Posestage; see: launch.py prepare --help."
    )
    example = """
        launch.py evaluate human36m --data data/human36m --weights human36m_alg
        launch.py evaluate human36m --data data/human36m --weights volumetric --pelvis results.pkl
        launch.py evaluate human36m --data data/human36m --results results.pkl
        launch.py evaluate panoptic --data 171204_pose1 --weights panoptic_alg --skeleton coco_17
        launch.py evaluate studio --weights studio_lite --sweeps --plot studio.png
        launch.py evaluate lifting --simulated val --weights simulated_gridconv
        launch.py evaluate metrabs --simulated val --weights logs/simulated_metrabs/best.safetensors
        launch.py evaluate mupots --pred-path predictions_mupots.npz --data MultiPersonTestSet
        launch.py evaluate crops data/our_studio --weights logs/our_studio/best.safetensors
    """
    configurable = False

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """One sub-command per protocol."""
        protocols = parser.add_subparsers(dest="protocol", required=True, metavar="NAME")
        human36m = protocols.add_parser(
            "human36m",
            description="Mean joint error in mm, relative to the pelvis and absolute, by subject and action "
            "(Iskakov et al. 2019; with --single-view Ma et al. 2021).",
        )
        panoptic = protocols.add_parser(
            "panoptic", description="Mean joint error in mm on a sequence of CMU Panoptic."
        )
        evaluate_studio.add_arguments(protocols.add_parser("studio", description=evaluate_studio.DESCRIPTION))
        evaluate_lifting.add_arguments(
            protocols.add_parser("lifting", description=evaluate_lifting.DESCRIPTION)
        )
        evaluate_metrabs.add_arguments(
            protocols.add_parser("metrabs", description=evaluate_metrabs.DESCRIPTION)
        )
        evaluate_predictions.add_arguments(protocols)
        evaluate_crops.add_arguments(
            protocols.add_parser(
                "crops",
                description="Reprojection error in views that were not used, on crops of one's own takes.",
            )
        )
        for protocol in (human36m, panoptic):
            protocol.add_argument("--data", type=Path, required=True, metavar="DIR", help="the data set")
            source = protocol.add_argument_group("what is measured (one of three)")
            source.add_argument("--weights", metavar="NAME|FILE", help="imported network, or file of weights")
            source.add_argument(
                "--untrained", choices=KINDS, metavar="KIND", help="random weights, to try the command out"
            )
            protocol.add_argument("--as", dest="kind", choices=KINDS, help="what network the file holds")
            protocol.add_argument(
                "--setting", action="append", default=[], metavar="KEY=VALUE", help="setting of the network"
            )
            protocol.add_argument("--limbs", type=Path, metavar="FILE", help="limb lengths, for contextpose")
            protocol.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto")
            protocol.add_argument("--batch", type=int, default=8, metavar="N", help="samples at a time (8)")
            protocol.add_argument("--every", type=int, default=1, metavar="N", help="every N-th frame (1)")
            protocol.add_argument(
                "--image", type=int, default=384, metavar="PX", help="side of the network's input (384)"
            )
            protocol.add_argument(
                "--out", type=Path, default=Path("logs"), metavar="DIR", help="folder (logs)"
            )
            if protocol is human36m:
                source.add_argument("--results", type=Path, metavar="FILE", help="results.pkl")
        human36m.add_argument(
            "--labels", type=Path, metavar="FILE", help="label file (DATA/extra/human36m-multiview-labels-…)"
        )
        human36m.add_argument("--split", choices=("val", "train"), default="val", help="S9 S11, or the rest")
        human36m.add_argument(
            "--pelvis", metavar="FILE|truth", help="where volumetric networks look: results.pkl, or truth"
        )
        human36m.add_argument(
            "--skip-damaged", action="store_true", help="leave out the three recordings with wrong truth"
        )
        human36m.add_argument("--single-view", action="store_true", help="every view is a sample of its own")
        human36m.add_argument("--distorted", action="store_true", help="do not remove lens distortion")
        human36m.add_argument("--scale-box", type=float, default=1.0, metavar="F", help="size of boxes (1.0)")
        human36m.add_argument(
            "--ignore-cameras", default="", metavar="N[,N...]", help="positions of cameras to leave out"
        )
        human36m.add_argument(
            "--joints",
            choices=("human36m", "mpii", "from_coco", "from_human36m"),
            default="human36m",
            help="which joints count; from_coco: the six of the check across data sets",
        )
        panoptic.add_argument("--cameras", default="", metavar="NAME[,NAME...]", help="such as 00_03,00_06")
        panoptic.add_argument(
            "--skeleton", choices=PANOPTIC_SKELETONS, default="coco_17", help="joints the network predicts"
        )
        panoptic.add_argument("--z-up", action="store_true", help="turn the world: z vertical (Human3.6M)")

    def run(self, args: argparse.Namespace, console: Console) -> Result:
        """Evaluate and write the results."""
        if args.protocol == "crops":
            return evaluate_crops.evaluate(args, console)
        if args.protocol == "studio":
            return evaluate_studio.evaluate(args, console)
        if args.protocol == "lifting":
            return evaluate_lifting.evaluate(args, console)
        if args.protocol == "metrabs":
            return evaluate_metrabs.evaluate(args, console)
        if args.protocol in evaluate_predictions.PROTOCOLS:
            return evaluate_predictions.evaluate(args)
        for option, value in (("--batch", args.batch), ("--every", args.every)):
            if value < 1:
                raise bad_input("must be at least 1", key=option, value=value)
        if args.image < 32 or args.image % 32:
            raise bad_input("must be a multiple of 32", key="--image", value=args.image)
        return _human36m(args, console) if args.protocol == "human36m" else _panoptic(args, console)

    def summary(self, result: Mapping[str, Any]) -> str:
        """Headline, table and files."""
        if result["protocol"] == "crops":
            return evaluate_crops.words(result)
        if result["protocol"] == "studio":
            return evaluate_studio.words(result)
        if result["protocol"] == "lifting":
            return evaluate_lifting.words(result)
        if result["protocol"] == "metrabs":
            return evaluate_metrabs.words(result)
        if result["protocol"] in evaluate_predictions.PROTOCOLS:
            return evaluate_predictions.words(result)
        lines = [f"WARNING {result['warning']}"] if result.get("warning") else []
        if result["protocol"] == "panoptic":
            lines.append(
                f"{result['poses']} poses, {len(result['joints'])} joints: "
                f"relative {_mm(result['relative_mm'])}, absolute {_mm(result['absolute_mm'])}; "
                f"{result['missing_joints']} joints missing"
            )
        else:
            lines += [
                f"{result['poses']} poses: relative to the pelvis {_mm(result['relative_mm'])}, "
                f"absolute without the wrong scenes {_mm(result['absolute_mm_without_wrong_scenes'])} "
                f"(with them {_mm(result['absolute_mm'])})",
                columns(
                    [("action", "relative", "absolute")]
                    + [
                        (name, _mm(value["relative_mm"]), _mm(value["absolute_mm"]))
                        for name, value in result["actions"].items()
                    ],
                    indent="  ",
                ),
            ]
            if result["missing_joints"]:
                lines.append(f"{result['missing_joints']} joints have no prediction and are in no figure")
        return "\n".join([*lines, *(f"wrote {path}" for path in result.get("files", ()))])


def _human36m(args: argparse.Namespace, console: Console) -> Result:
    from models.datasets.human36m_labels import read_labels
    from models.datasets.human36m_multiview import Human36MMultiview, SampleOptions
    from models.datasets.results_file import read_results
    from models.evaluation.human36m_run import MEANINGLESS, evaluate_network, evaluate_results

    _one_of(args, ("weights", "untrained", "results"))
    labels = read_labels(args.labels or args.data / "extra" / "human36m-multiview-labels-GTbboxes.npy")
    about: dict[str, Any] = {"protocol": "human36m", "split": args.split, "every": args.every}
    if args.results is not None:
        evaluation = evaluate_results(
            read_results(args.results),
            labels,
            args.split,
            with_damaged=not args.skip_damaged,
            every=args.every,
            joints=args.joints,
        )
        return _report(args, about | {"results": str(args.results)}, evaluation, "results")
    pelvis = None if args.pelvis in (None, "truth") else read_results(Path(args.pelvis))
    options = SampleOptions(
        image_shape=(args.image, args.image),
        scale_box=args.scale_box,
        undistort=not args.distorted,
        ignore_cameras=_positions(args.ignore_cameras),
        every=args.every,
        with_damaged=not args.skip_damaged,
    )
    dataset = Human36MMultiview(args.data / "processed", labels, args.split, options, pelvis)
    model, kind = _network(args)
    if model.needs_centres and args.pelvis is None:
        raise bad_input(
            "this network looks for people round a known pelvis",
            key="--pelvis",
            hint="give the results.pkl of an algebraic evaluation, or the word truth",
        )
    total = int(dataset.present().sum()) if args.single_view else len(dataset)
    with console.progress("evaluating", total, "samples") as bar:
        evaluation = evaluate_network(
            model,
            dataset,
            single_view=args.single_view,
            batch_size=args.batch,
            centres="truth" if args.pelvis == "truth" else "predicted",
            joints=args.joints,
            progress=bar.update,
        )
    about |= {
        "network": kind,
        "weights": args.weights,
        "pictures": dataset.pictures,
        "single_view": args.single_view,
        "pelvis": args.pelvis if model.needs_centres else None,
    }
    if args.untrained is not None:
        about["warning"] = MEANINGLESS
    return _report(args, about, evaluation, kind)


def _report(args: argparse.Namespace, about: dict[str, Any], evaluation: Evaluation, kind: str) -> Result:
    from models.evaluation.human36m_run import experiment_folder, write_evaluation
    from models.evaluation.predict import CLASS_NAMES

    title = f"human36m_{kind}" + ("_single" if about.get("single_view") else "")
    folder = experiment_folder(args.out, title, CLASS_NAMES.get(kind, "Predictions"), datetime.now())
    paths = write_evaluation(folder, evaluation, about)
    absolute = evaluation.metric["per_pose_error"]["Average"]
    relative = evaluation.metric["per_pose_error_relative"]["Average"]
    return {
        **about,
        **evaluation.headline,
        "actions": {
            name: {"relative_mm": relative[name], "absolute_mm": absolute[name]}
            for name in relative
            if name != "Average"
        },
        "files": list(paths.values()),
    }


def _panoptic(args: argparse.Namespace, console: Console) -> Result:
    import numpy as np

    from models.datasets.panoptic import Panoptic, PanopticOptions
    from models.evaluation.human36m_run import MEANINGLESS
    from models.evaluation.panoptic import evaluate_panoptic
    from models.evaluation.predict import predict_all
    from models.skeletons import get_skeleton

    _one_of(args, ("weights", "untrained"))
    options = PanopticOptions(
        cameras=tuple(name.strip() for name in args.cameras.split(",") if name.strip()),
        image_shape=(args.image, args.image),
        every=args.every,
        z_up=args.z_up,
    )
    dataset = Panoptic(args.data, options)
    model, kind = _network(args)
    truth = get_skeleton(Panoptic.skeleton)
    with console.progress("evaluating", len(dataset), "samples") as bar:
        found = predict_all(
            model,
            dataset,
            batch_size=args.batch,
            centres="truth",
            root=lambda joints: np.ascontiguousarray(joints[:, truth.index("pelvis")]),
            progress=bar.update,
        )
    result = evaluate_panoptic(found.keypoints, dataset.truth, get_skeleton(args.skeleton), truth)
    return {
        "protocol": "panoptic",
        "network": kind,
        "weights": args.weights,
        "cameras": [camera.name for camera in dataset.cameras],
        "pelvis": "truth" if model.needs_centres else None,
        "relative_mm": result.relative,
        "absolute_mm": result.absolute,
        "per_joint_mm": result.per_joint,
        "joints": list(result.joints),
        "poses": result.poses,
        "missing_joints": result.missing_joints,
    } | ({"warning": MEANINGLESS} if args.untrained is not None else {})


def _network(args: argparse.Namespace) -> tuple[MultiviewModel, str]:
    from configs.loading import apply_overrides
    from models.checkpoints.registry import CHECKPOINT_TOOLS
    from models.evaluation.registry import NETWORKS

    settings = apply_overrides({}, args.setting)
    if args.limbs is not None:
        settings |= CHECKPOINT_TOOLS.load("limbs")(args.limbs)
    if args.untrained is not None:
        model = NETWORKS.load("untrained")(args.untrained, settings, args.device)
    else:
        model = NETWORKS.load("weights")(args.weights, args.kind, settings, args.device)
    return model, model.kind


def _one_of(args: argparse.Namespace, names: tuple[str, ...]) -> None:
    given = [name for name in names if getattr(args, name) is not None]
    if len(given) != 1:
        words = ", ".join(f"--{name}" for name in names)
        raise bad_input(f"say what is measured with exactly one of {words}")


def _positions(text: str) -> tuple[int, ...]:
    words = [word.strip() for word in text.split(",") if word.strip()]
    if not all(word.isdecimal() for word in words):
        raise bad_input("must be positions from 0, with commas", key="--ignore-cameras", value=text)
    return tuple(int(word) for word in words)


def _mm(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.1f} mm"
