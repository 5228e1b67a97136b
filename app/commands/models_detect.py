"""``models detect NAME|FILE PICTURE``: where a person detector sees people, said and drawn."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.cli.command import Result
from app.cli.values import picture_size
from configs.errors import bad_input

_COLOUR = (60, 220, 80)
"""BGR of boxes."""


def add_detect_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of ``models detect``."""
    parser.add_argument("name", metavar="NAME|FILE", help="rtmdet-nano, yolox-tiny, ..., or an ONNX file")
    parser.add_argument("picture", type=Path, metavar="PICTURE", help="picture, or video (its first picture)")
    parser.add_argument("--out", type=Path, metavar="FILE", help="the picture with boxes, *.png or *.jpg")
    parser.add_argument("--threshold", type=float, default=0.3, metavar="S", help="least score (0.3)")
    parser.add_argument("--family", choices=("rtmdet", "yolox"), help="of a file")
    parser.add_argument("--size", metavar="WxH", help="input of a file that takes any")
    parser.add_argument("--device", choices=("auto", "cpu", "cuda", "tensorrt"), default="auto")


def detect(args: argparse.Namespace) -> Result:
    """Find people in one picture.

    Raises:
        BadInputError: No such detector or picture, or a number is out of range.
        MissingExtraError: ONNX Runtime is not installed.
    """
    import cv2
    import numpy as np

    from models.detectors.opening import open_detector

    if not 0.0 < args.threshold < 1.0:
        raise bad_input("out of range", key="--threshold", value=args.threshold, allowed="between 0 and 1")
    if args.out is not None and (
        args.out.suffix.lower() not in (".png", ".jpg") or not args.out.parent.is_dir()
    ):
        raise bad_input("is no picture in a folder that exists", key="--out", value=str(args.out))
    size = None if args.size is None else picture_size(args.size)
    if not args.picture.is_file():
        raise bad_input("no such file", file=args.picture)
    picture = cv2.imread(str(args.picture), cv2.IMREAD_COLOR)
    if picture is None:
        video = cv2.VideoCapture(str(args.picture))
        picture = video.read()[1]
        video.release()
    if picture is None:
        raise bad_input("is no picture and no video", file=args.picture)
    detector = open_detector(args.name, family=args.family, size=size, device=args.device)
    image = np.ascontiguousarray(picture, np.uint8)
    boxes = detector.find(image, min_score=args.threshold)
    if args.out is not None:
        thick = max(2, round(max(image.shape) / 400))
        for left, top, right, bottom, score in boxes:
            first = (round(left), round(top))
            cv2.rectangle(image, first, (round(right), round(bottom)), _COLOUR, thick)
            place = (first[0] + thick, max(first[1], 12 * thick) - thick)
            cv2.putText(image, f"{score:.2f}", place, cv2.FONT_HERSHEY_SIMPLEX, thick / 2.5, _COLOUR, thick)
        cv2.imwrite(str(args.out), image)
    return {
        "detector": detector.name,
        "device": detector.device,
        "picture": str(args.picture),
        "boxes": boxes.tolist(),
        "out": None if args.out is None else str(args.out),
    }


def detect_summary(result: Mapping[str, Any]) -> str:
    """A line for each box."""
    lines = [
        f"{result['detector']} ({result['device']}) sees {len(result['boxes'])} people in {result['picture']}"
    ]
    lines += [
        f"  left {left:.0f} top {top:.0f} right {right:.0f} bottom {bottom:.0f} px, score {score:.2f}"
        for left, top, right, bottom, score in result["boxes"]
    ]
    if result["out"]:
        lines.append(f"wrote {result['out']}")
    return "\n".join(lines)
