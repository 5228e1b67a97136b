from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from configs.errors import BadInputError
from pipeline.frames.frame import EncodedPacket, VideoFormat
from pipeline.take.contact_sheet import spread_instants
from pipeline.take.finish import finish_take
from pipeline.take.instants import build_timeline, instants
from pipeline.take.preview import preview_instants
from pipeline.take.scene import TakeScene, time_code
from pipeline.take.take import Take
from pipeline.take.writer import TakeWriter
from tests.pipeline.take.synthetic_take import ORIGIN_NS, jpeg, make_header, make_rig, make_take

FILES = ["contact_sheet.png", "preview.mp4", "report.html"]


def frames_of(path: Path) -> tuple[list[float], Any]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert stream.codec_context.pix_fmt == "yuv420p"
        times, picture = [], None
        for frame in container.decode(stream):
            times.append(frame.time)
            picture = frame.to_ndarray(format="bgr24")
    return times, picture


def headings(page: str) -> list[str]:
    return re.findall(r"<h2>(.*?)</h2>", page)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("takes") / "walk"
    make_take(
        folder,
        sizes=[(320, 240), (240, 320), (400, 224)],
        frames=30,
        label="truth projected with noise <not a network>",
        truth=True,
        swapped={"cam2": {4, 5}},
        dropped={"cam3": set(range(10, 14))},
    )
    seen: list[tuple[float, float]] = []
    result = finish_take(folder, lambda done, total: seen.append((done, total)))
    assert [path.name for path in result.paths] == FILES
    assert all(path.is_file() for path in result.paths)
    assert seen[-1] == (100.0, 100.0)
    assert seen == sorted(seen)
    assert not list(folder.glob(".*")), "no temporary file is left"
    return folder


def test_preview_runs_in_the_take_s_time(finished: Path):
    times, picture = frames_of(finished / "preview.mp4")
    # 30 instants at 30 fps are shown at 15.
    assert len(times) == 15
    np.testing.assert_allclose(times, np.arange(15) / 15, atol=0.002)
    assert picture.shape[1] == 1280
    assert picture.std() > 10


def test_contact_sheet_is_a_picture(finished: Path):
    sheet = cv2.imread(str(finished / "contact_sheet.png"))
    assert sheet.shape[1] > 1000
    assert sheet.std() > 10


def test_report_stands_alone_and_has_every_section(finished: Path):
    page = (finished / "report.html").read_text()
    assert headings(page) == [
        "What was filmed",
        "Capture",
        "Processing time",
        "Poses",
        "Against the truth",
        "Events",
        "How it was made",
    ]
    # The label is shown, as text.
    assert '<div class="label" role="note">truth projected with noise &lt;not a network&gt;</div>' in page
    assert page.count("<svg") == 10
    references = re.findall(r'(?:src|href)="([^"]*)"', page)
    outside = [text for text in references if not text.startswith(("data:", "#"))]
    assert outside == ["preview.mp4"], "nothing is fetched"
    assert "cam2" in page
    assert "4–5" in page
    assert "4 ring full" in page
    assert "start of the walk" in page
    assert not re.search(r"\bnan\b", page, re.IGNORECASE)


def test_finishing_again_replaces_the_files(finished: Path):
    (finished / "report.html").write_text("old")
    finish_take(finished)
    assert (finished / "report.html").read_text().startswith("<!DOCTYPE html>")


@pytest.mark.parametrize(
    ("options", "sections"),
    [
        ({"poses": False}, ["What was filmed", "Capture", "Poses", "Events", "How it was made"]),
        (
            {"poses": False, "calibrated": False},
            ["What was filmed", "Capture", "Poses", "Events", "How it was made"],
        ),
        (
            {"calibrated": False},
            ["What was filmed", "Capture", "Processing time", "Poses", "Events", "How it was made"],
        ),
        (
            {"people": lambda _: 0},
            ["What was filmed", "Capture", "Processing time", "Poses", "Events", "How it was made"],
        ),
        (
            {"people": lambda index: 2 - index % 3, "sizes": [(320, 240)]},
            ["What was filmed", "Capture", "Processing time", "Poses", "Events", "How it was made"],
        ),
    ],
)
def test_takes_that_lack_something(tmp_path: Path, options: dict[str, Any], sections: list[str]):
    folder = make_take(tmp_path / "take", frames=5, **options)
    result = finish_take(folder)
    assert [path.name for path in result.paths] == FILES
    assert headings((folder / "report.html").read_text()) == sections
    times, _ = frames_of(folder / "preview.mp4")
    assert len(times) == 3


def test_a_take_without_any_picture(tmp_path: Path):
    with TakeWriter.create(tmp_path / "take", make_header(make_rig([(320, 240)] * 2))):
        pass
    result = finish_take(tmp_path / "take")
    assert [path.name for path in result.paths] == ["report.html"]
    assert "No camera delivered a frame" in (tmp_path / "take/report.html").read_text()


def test_no_take_is_bad_input(tmp_path: Path):
    with pytest.raises(BadInputError, match="is not a take"):
        finish_take(tmp_path)


def test_cameras_of_unequal_rates_show_the_pictures_of_the_instant(tmp_path: Path):
    """Grey levels tell when a picture was taken."""
    rig = make_rig([(64, 48)] * 2)
    folder = tmp_path / "take"
    with TakeWriter.create(folder, make_header(rig)) as writer:
        for at, (name, count, period_ns) in enumerate((("cam1", 40, 25_000_000), ("cam2", 10, 100_000_000))):
            writer.open_video(name, VideoFormat("mjpeg", (64, 48), 1e9 / period_ns))
            for index in range(count):
                t = ORIGIN_NS + index * period_ns + at * 3_000_000
                grey = jpeg(np.full((48, 64, 3), 20 + index * period_ns // 5_000_000, np.uint8))
                writer.write_frame(name, index, t, "recorded", "", [EncodedPacket(grey, t, t, True)])
    take = Take.open(folder)
    timeline = build_timeline(take, None)
    assert len(timeline) == 40
    assert timeline.rate_hz == pytest.approx(40)
    shown = list(instants(take, None, timeline, range(0, 36, 4)))
    for instant in shown:
        first, second = instant.pictures
        assert first is not None
        assert second is not None
        assert abs(int(first[0, 0, 0]) - int(second[0, 0, 0])) <= 2  # JPEG rounds
    assert [instant.number for instant in shown] == list(range(0, 36, 4))


def test_chosen_instants(finished: Path):
    scene = TakeScene.of(Take.open(finished))
    chosen = spread_instants(scene, 6)
    assert chosen == sorted(set(chosen))
    assert len(chosen) == 6
    whole = (scene.timeline.rows >= 0).all(axis=1)
    assert whole[chosen].all(), "instants without one camera's picture are avoided"
    assert preview_instants(scene) == list(range(0, 30, 2))
    assert time_code(75.5) == "01:15.500"
    assert time_code(-0.25) == "-00:00.250"
