"""The structures and request numbers against the kernel's own header, as its compiler reads it."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from pipeline.drivers import v4l2_abi as abi

STRUCTURES = {
    "capability": abi.Capability,
    "fmtdesc": abi.FormatDescription,
    "frmsizeenum": abi.FrameSize,
    "frmivalenum": abi.FrameInterval,
    "pix_format": abi.PixelFormat,
    "format": abi.Format,
    "streamparm": abi.StreamParameters,
    "requestbuffers": abi.RequestBuffers,
    "buffer": abi.Buffer,
    "queryctrl": abi.QueryControl,
    "control": abi.Control,
}
PLACES = {
    ("buffer", "timestamp"): abi.Buffer.seconds,
    ("buffer", "sequence"): abi.Buffer.sequence,
    ("buffer", "m"): abi.Buffer.m,
    ("buffer", "length"): abi.Buffer.length,
    ("format", "fmt"): abi.Format.fmt,
    ("streamparm", "parm"): abi.StreamParameters.parm,
    ("captureparm", "timeperframe"): abi.CaptureParameters.numerator,
    ("queryctrl", "minimum"): abi.QueryControl.minimum,
    ("frmivalenum", "discrete"): abi.FrameInterval.intervals,
}
CONSTANTS = [
    name
    for name in dir(abi)
    if name.startswith(("CAP_", "BUF_", "MEMORY_", "FIELD_", "FRM", "CID_", "EXPOSURE_", "CTRL_"))
]


@pytest.mark.skipif(
    shutil.which("cc") is None or not Path("/usr/include/linux/videodev2.h").exists(),
    reason="needs a C compiler and the kernel's headers",
)
def test_all_agree_with_the_header(tmp_path: Path):
    expected = {name: getattr(abi, name) for name in dir(abi) if name.startswith("VIDIOC_")}
    expected |= {f"V4L2_{name}": getattr(abi, name) for name in CONSTANTS}
    expected |= {f"sizeof(struct v4l2_{name})": ctypes.sizeof(kind) for name, kind in STRUCTURES.items()}
    expected |= {
        f"offsetof(struct v4l2_{name}, {field})": place.offset for (name, field), place in PLACES.items()
    }
    assert len(expected) > 50
    lines = "\n".join(f'printf("%llu\\n", (unsigned long long)({name}));' for name in expected)
    source = tmp_path / "abi.c"
    source.write_text(
        "#include <stdio.h>\n#include <stddef.h>\n#include <linux/videodev2.h>\n"
        f"int main(void) {{\n{lines}\nreturn 0;\n}}\n"
    )
    program = tmp_path / "abi"
    subprocess.run(["cc", str(source), "-o", str(program)], check=True)
    answer = subprocess.run([str(program)], check=True, capture_output=True, text=True).stdout
    found = dict(zip(expected, (int(line) for line in answer.split()), strict=True))
    assert found == {name: int(value) for name, value in expected.items()}


def test_four_characters_round_trip():
    assert abi.fourcc("YUYV") == 0x56595559
    assert abi.fourcc_text(abi.fourcc("MJPG")) == "MJPG"
    assert abi.fourcc_text(abi.fourcc("Y16 ")) == "Y16"
