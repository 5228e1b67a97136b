"""Check of the pictures that person detectors get, and of the way back of their boxes."""

from __future__ import annotations

from models.metrabs.detector_picture import detector_picture
from tests.parity.case import Case
from tests.parity.checks_metrabs import close
from tests.parity.registry import check


@check("metrabs_detector")
def detector(case: Case) -> None:
    for index in range(2):
        picture = detector_picture(case.tensor(f"image_{index}")[0], case.config["input_size"])
        close(case, f"net_input_{index}", picture.pixels[None])
        boxes = picture.boxes(case.tensor(f"net_boxes_xyxy_{index}"), case.tensor(f"net_conf_{index}"))
        close(case, f"boxes_{index}", boxes, atol=case.meta["tolerance"]["boxes_atol"], unit="px")
