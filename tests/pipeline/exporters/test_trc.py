from __future__ import annotations

from pathlib import Path

import numpy as np

from pipeline.exporters.export import export_take
from pipeline.take.take import Take
from tests.pipeline.take.synthetic_take import SKELETON, make_take


def test_the_file_of_the_format(tmp_path: Path):
    folder = make_take(tmp_path / "walk", frames=6, sizes=[(64, 48)] * 2)
    with np.load(folder / "poses.npz") as data:
        arrays = {name: data[name] for name in data.files}
    arrays["joints"][2, 0, 4] = np.nan
    np.savez(folder / "poses.npz", **arrays)
    take = Take.open(folder)
    poses = take.poses()
    assert poses is not None
    (path,) = export_take(folder, ["trc"], tmp_path)
    lines = path.read_text().splitlines()
    assert lines[0] == "PathFileType\t4\t(X/Y/Z)\twalk.trc"
    assert dict(zip(lines[1].split("\t"), lines[2].split("\t"), strict=True)) == {
        "DataRate": "30",
        "CameraRate": "30",
        "NumFrames": "6",
        "NumMarkers": "26",
        "Units": "mm",
        "OrigDataRate": "30",
        "OrigDataStartFrame": "1",
        "OrigNumFrames": "6",
    }
    assert lines[3].split("\t")[:9] == ["Frame#", "Time", "nose", "", "", "left_eye", "", "", "right_eye"]
    assert lines[4].split("\t")[:6] == ["", "", "X1", "Y1", "Z1", "X2"]
    assert lines[5] == ""
    assert len(lines) == 6 + 6
    for number, line in enumerate(lines[6:]):
        cells = line.split("\t")
        assert cells[0] == str(number + 1)
        assert abs(float(cells[1]) - (0.001 + number / 30)) < 1e-6
        x, y, z = poses.joints[number, 0, 0]
        # The world's Z is up, the file's Y; both are right-handed. Half a decimal, and the grid's 3 ns.
        np.testing.assert_allclose([float(cell) for cell in cells[2:5]], [x, z, -y], atol=2e-4)
        joint = SKELETON.index("right_ear")
        assert (cells[2 + 3 * joint] == "") == (number == 2 and joint == 4)


def test_several_people_have_names_of_their_own(tmp_path: Path):
    folder = make_take(tmp_path / "walk", frames=3, sizes=[(64, 48)] * 2, people=lambda _: 2)
    (path,) = export_take(folder, ["trc"], tmp_path)
    names = [cell for cell in path.read_text().splitlines()[3].split("\t")[2:] if cell]
    assert len(names) == len(set(names)) == 52
    assert names[0] == "person0_nose"
    assert names[26] == "person1_nose"
