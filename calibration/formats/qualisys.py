"""Qualisys Track Manager: the XML of ``.qca.txt`` calibration files.

Lengths are mm, the world is Z-up. Focal lengths, centres and sensor limits count 1/64 px; distortion
coefficients are plain OpenCV numbers. Camera axes are x right, y up, z backward; ``transform`` holds the
camera's position and the rotation camera from world, row by row in ``r11 .. r33``.
"""

from __future__ import annotations

import logging
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np

from calibration.camera import Camera
from calibration.formats.base import (
    CalibrationFormat,
    ReadOptions,
    build_camera,
    build_rig,
    drop_zero_tail,
    tidy_rotation,
)
from calibration.rig import Rig
from calibration.units import Units, agreed_units
from configs.atomic_file import write_atomic
from configs.errors import bad_input, nearest
from configs.loading import read_text

_LOG = logging.getLogger(__name__)

_SUBPIXELS = 64.0
# OpenCV's camera axes from theirs: y and z point the other way.
_FLIP = np.diag([1.0, -1.0, -1.0])

_DISTORTION = (
    "radialDistortion1",
    "radialDistortion2",
    "tangentalDistortion1",  # their spelling
    "tangentalDistortion2",
    "radialDistortion3",
)


class QualisysFormat(CalibrationFormat):
    """Calibrations of Qualisys Track Manager."""

    title = "Qualisys .qca.txt"
    default_units = "mm"

    def recognises(self, path: Path, text: str) -> bool:
        """XML with a calibration in it."""
        return text.lstrip("\ufeff \r\n\t").startswith("<") and "<calibration" in text

    def read(self, path: Path, options: ReadOptions) -> Rig:
        """See the base class; cameras are named by their ``serial``."""
        agreed_units(options.units, "mm", file=path, key="transform")
        root = _parse(path)
        elements = root.findall(".//cameras/camera")
        if not elements:
            raise bad_input("holds no camera", file=path, key="cameras")
        cameras, residuals = [], {}
        for index, element in enumerate(elements):
            name = element.get("serial") or f"camera_{index + 1}"
            if element.get("active") == "0":
                _LOG.warning("%s: camera %s is marked inactive and left out", path, name)
                continue
            cameras.append(_camera(path, name, element))
            if element.get("avg-residual") is not None:
                residuals[name] = _number(path, name, element, "avg-residual")
        created = root.get("created") or f"from {path.name}"
        return build_rig(
            path, cameras, created=created, quality={"residual_mm": residuals} if residuals else {}
        )

    def write(self, path: Path, rig: Rig, units: Units) -> None:
        """See the base class; board, ``lag_ms`` and other quality than ``residual_mm`` are not stored."""
        agreed_units(units, "mm", file=path, key="units")
        root = ET.Element("calibration", {"created": rig.created, "type": "regular", "source": "Posestage"})
        ET.SubElement(root, "results")
        parent = ET.SubElement(root, "cameras")
        residuals = rig.quality.get("residual_mm")
        for camera in rig.cameras:
            if camera.model != "pinhole":
                raise bad_input(
                    f"Qualisys files hold pinhole lenses only; {camera.name} is {camera.model}", file=path
                )
            element = ET.SubElement(
                parent, "camera", {"active": "1", "serial": camera.name, "viewrotation": "0"}
            )
            if isinstance(residuals, dict) and camera.name in residuals:
                element.set("avg-residual", repr(float(residuals[camera.name])))
            _describe(element, camera)
        ET.indent(root)
        text = ET.tostring(root, encoding="unicode", xml_declaration=False)
        write_atomic(path, f"<?xml version='1.0' encoding='UTF-8'?>\n{text}\n")


def _parse(path: Path) -> ET.Element:
    text = read_text(path).lstrip("\ufeff \r\n\t")
    # Entities are how XML makes a parser eat all memory; a calibration has none, so nothing is lost.
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise bad_input("declares a document type, which calibration files do not have", file=path)
    try:
        return ET.fromstring(text)
    except ET.ParseError as error:
        raise bad_input(f"is not valid XML: {error}", file=path) from error


def _camera(path: Path, name: str, element: ET.Element) -> Camera:
    intrinsic, transform = _child(path, name, element, "intrinsic"), _child(path, name, element, "transform")
    if element.get("viewrotation", "0") != "0":
        _LOG.warning(
            "%s: camera %s is shown turned by %s degrees; the calibration is for its pictures as filmed",
            path,
            name,
            element.get("viewrotation"),
        )
    focal_x, focal_y, centre_x, centre_y = (
        _number(path, name, intrinsic, key) / _SUBPIXELS
        for key in ("focalLengthU", "focalLengthV", "centerPointU", "centerPointV")
    )
    skew = _number(path, name, intrinsic, "skew", default=0.0) / _SUBPIXELS
    left, top, size = _picture(path, name, element, intrinsic)
    R = tidy_rotation(
        [[_number(path, name, transform, f"r{row}{column}") for column in (1, 2, 3)] for row in (1, 2, 3)]
    )
    position = np.array([_number(path, name, transform, axis) for axis in "xyz"])
    R = _FLIP @ R
    fields = {
        "name": name,
        "size": size,
        "model": "pinhole",
        "K": [[focal_x, skew, centre_x - left], [0.0, focal_y, centre_y - top], [0.0, 0.0, 1.0]],
        "distortion": drop_zero_tail(
            [_number(path, name, intrinsic, key, default=0.0) for key in _DISTORTION], (5,)
        ),
        "R": R,
        "t": -R @ position,
    }
    keys = {
        "K": "intrinsic",
        "distortion": "intrinsic",
        "R": "transform",
        "t": "transform",
        "size": "fov_video",
    }
    return build_camera(path, f"camera {name}", fields, keys=keys)


def _picture(
    path: Path, name: str, element: ET.Element, intrinsic: ET.Element
) -> tuple[float, float, tuple[float, float]]:
    """Left and top of the filmed part of the sensor, and its size, in px."""
    video = _child(path, name, element, "fov_video")
    left, top, right, bottom = (_number(path, name, video, key) for key in ("left", "top", "right", "bottom"))
    width, height = right - left + 1, bottom - top + 1
    if intrinsic.get("sensorMaxU") is None or intrinsic.get("sensorMaxV") is None:
        return left, top, (width, height)
    sensor_width, sensor_height = (
        float(_number(path, name, intrinsic, key) // _SUBPIXELS + 1) for key in ("sensorMaxU", "sensorMaxV")
    )
    # A smaller picture of the same shape from the sensor's corner is not a cut-out but every second pixel:
    # the numbers are for the whole sensor, and fit_to_picture scales them for the video.
    binned = (left, top) == (0, 0) and width < sensor_width and height < sensor_height
    if binned and abs(width * sensor_height - height * sensor_width) <= max(sensor_width, sensor_height):
        return 0.0, 0.0, (sensor_width, sensor_height)
    return left, top, (width, height)


def _describe(element: ET.Element, camera: Camera) -> None:
    width, height = camera.size
    frame = {"left": "0", "top": "0", "right": str(width - 1), "bottom": str(height - 1)}
    for tag in ("fov_marker", "fov_marker_max", "fov_video", "fov_video_max"):
        ET.SubElement(element, tag, frame)
    R = _FLIP @ camera.R
    transform = dict(zip("xyz", camera.position.tolist(), strict=True))
    transform |= {f"r{row + 1}{column + 1}": float(R[row, column]) for row in range(3) for column in range(3)}
    ET.SubElement(element, "transform", {key: repr(value) for key, value in transform.items()})
    coefficients = [*camera.distortion.tolist(), 0.0]
    intrinsic = {
        "focalLengthU": camera.K[0, 0] * _SUBPIXELS,
        "focalLengthV": camera.K[1, 1] * _SUBPIXELS,
        "centerPointU": camera.K[0, 2] * _SUBPIXELS,
        "centerPointV": camera.K[1, 2] * _SUBPIXELS,
        "skew": 0.0,
        "sensorMinU": 0.0,
        "sensorMaxU": (width - 1) * _SUBPIXELS,
        "sensorMinV": 0.0,
        "sensorMaxV": (height - 1) * _SUBPIXELS,
        **dict(zip(_DISTORTION, coefficients, strict=False)),
    }
    ET.SubElement(element, "intrinsic", {key: repr(float(value)) for key, value in intrinsic.items()})


def _child(path: Path, name: str, element: ET.Element, tag: str) -> ET.Element:
    child = element.find(tag)
    if child is None:
        raise bad_input("this element is required but missing", file=path, key=f"camera {name}.{tag}")
    return child


def _number(path: Path, name: str, element: ET.Element, key: str, default: float | None = None) -> float:
    text = element.get(key)
    place = f"camera {name}.{element.tag}.{key}"
    if text is None:
        if default is not None:
            return default
        near = nearest(key, element.keys())
        hint = f'the element has "{near}"' if near else None
        raise bad_input("this attribute is required but missing", file=path, key=place, hint=hint)
    try:
        return float(text)
    except ValueError as error:
        raise bad_input("is not a number", file=path, key=place, value=text) from error
