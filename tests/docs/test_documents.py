"""What the documents promise exists: links, commands, options, files and the example programs."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml

from app.cli.parser import command_parser, common_options
from app.cli.table import COMMANDS
from configs.loading import parse_config
from models.pose_frame import PoseFrame
from models.skeletons import get_skeleton
from pipeline.drivers.registry import DRIVERS
from pipeline.rigs.rig_config import RigConfig
from pipeline.wire.bus import Bus
from pipeline.wire.pose_messages import pack_poses

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "configs").rglob("*.yaml")])


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text(encoding="utf-8"), re.M | re.S)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    links = re.findall(r"\]\(([^)#]+)[^)]*\)", path.read_text(encoding="utf-8"))
    missing = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert not missing


def command_lines(path: Path) -> list[str]:
    """Words after ``launch.py``, and in tables the words that stand first in a row."""
    text = path.read_text(encoding="utf-8")
    rows = (
        re.findall(r"^\| `([a-z][^`]*)` \|", text, re.M)
        if "| `.venv/bin/python launch.py …` |" in text
        else []
    )
    return rows + [line.strip() for line in re.findall(r"launch\.py ([a-z][^`\"\n]*)", text)]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_line_can_be_parsed(path: Path) -> None:
    for line in command_lines(path):
        common, (name, *words) = common_options().parse_known_args(shlex.split(line))
        assert name in COMMANDS, line
        _, unknown = command_parser(name, COMMANDS.load(name)()).parse_known_args(words, namespace=common)
        assert not unknown, line


def test_the_readme_names_every_command() -> None:
    named = {line.split()[0] for line in command_lines(ROOT / "README.md")}
    assert named >= set(COMMANDS)


def test_makefile_targets_of_the_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    for path in DOCUMENTS:
        for line in re.findall(r"^make ([a-z ]+?)(?:\s{2,}|$)", path.read_text(encoding="utf-8"), re.M):
            assert set(line.split()) <= targets, f"{path.name}: make {line}"


def test_the_rig_file_of_the_readme_is_valid() -> None:
    (text,) = blocks(ROOT / "README.md", "yaml")
    rig = parse_config(RigConfig, yaml.safe_load(text))
    for camera in rig.cameras:
        settings = {key: value for key, value in camera.driver.items() if key != "type"}
        parse_config(DRIVERS.load(camera.driver_type).Config, settings)


def test_the_subscriber_of_the_documents_hears_poses() -> None:
    skeleton = get_skeleton("blazepose_33")
    joints = np.arange(2 * 33 * 3, dtype=float).reshape(2, 33, 3)
    frame = PoseFrame(
        time_ns=123,
        skeleton=skeleton,
        cameras=("a", "b"),
        view_times_ns=np.array([120, 126]),
        person=np.array([4, 7]),
        joints=joints,
        scores=np.ones((2, 33)),
        covariance=np.zeros((2, 33, 3, 3)),
        keypoints=np.zeros((2, 2, 33, 3)),
        used=np.ones((2, 2, 33), bool),
        smoothed=joints + 0.5,
        swapped=np.zeros((2, 2), bool),
    )
    (program,) = blocks(ROOT / "docs" / "streaming.md", "python")
    bus = Bus()
    publisher = bus.publisher("tcp://127.0.0.1:*", queue=100)
    program = program.replace("tcp://127.0.0.1:5577", publisher.endpoint)
    subscriber = subprocess.Popen(
        [sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert subscriber.stdout is not None
        payload, arrays = pack_poses(frame, latency_ns=42_000_000)
        heard: list[str] = []
        deadline = time.monotonic() + 30
        while subscriber.poll() is None and not heard and time.monotonic() < deadline:
            publisher.send("poses", payload, arrays, t_capture_ns=frame.time_ns)
            time.sleep(0.02)
            if publisher_heard(subscriber):
                heard = [subscriber.stdout.readline(), subscriber.stdout.readline()]
    finally:
        subscriber.kill()
        _, errors = subscriber.communicate()
        bus.close(linger_ms=0)
    assert len(heard) == 2, errors
    assert heard[0] == "123 blazepose_33 [4 7] [[  0.5   1.5   2.5]\n"
    assert heard[1] == " [ 99.5 100.5 101.5]]\n"


def publisher_heard(subscriber: subprocess.Popen[str]) -> bool:
    """Whether a line waits to be read."""
    import select

    return bool(select.select([subscriber.stdout], [], [], 0)[0])
