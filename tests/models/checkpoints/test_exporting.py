"""Exported files against the networks they are made from."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="the extra 'learned' is not installed")

from configs.errors import BadInputError, MissingExtraError, PosestageError  # noqa: E402
from models.backbones.pose_resnet import LAYERS  # noqa: E402
from models.checkpoints import exporting  # noqa: E402
from models.checkpoints.exportable import Sample  # noqa: E402
from models.checkpoints.exporting import ExportReport, export_network  # noqa: E402
from models.checkpoints.opening import OpenedNetwork, open_network, untrained_network  # noqa: E402

SETTINGS: dict[str, dict[str, Any]] = {
    "pose_resnet": {"layers": 18, "alg_confidences": True},
    "algebraic": {"layers": 18},
    "ransac": {"layers": 18, "direct_optimization": False},
    "volumetric": {"layers": 18, "voxels": 32, "small": True},  # the same layers, fewer times
    "contextpose": {"layers": 18, "voxels": 32, "limb_mean": [300.0] * 16, "limb_deviation": [30.0] * 16},
}


@pytest.fixture(autouse=True)
def one_block_of_each_layer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tracing takes its time by the number of operations, and a second block has those of the first."""
    block, counts = LAYERS[18]
    monkeypatch.setitem(LAYERS, 18, (block, (1,) * len(counts)))


def network(kind: str, **more: Any) -> OpenedNetwork:
    """A small network whose activations keep a size near one, so that differences would show."""
    opened = untrained_network(kind, SETTINGS[kind] | more, source="test")
    generator = torch.Generator().manual_seed(3)
    for name, value in opened.network.state_dict().items():
        if name.endswith(("running_mean", "bias")):
            value.copy_(torch.randn(value.shape, generator=generator) * 0.1)
        elif name.endswith("running_var"):
            value.copy_(torch.rand(value.shape, generator=generator) + 0.5)
        elif value.dim() > 1:
            # Heads of confidences smaller: ONNX Runtime's sigmoid is no longer exact beyond +-18.
            gain = 0.2 if "confidences" in name else 2.0
            value.copy_(torch.randn(value.shape, generator=generator) * (gain / value[0].numel()) ** 0.5)
    return opened


def export(kind: str, out: Path, crop: int = 128, **words: Any) -> ExportReport:
    pytest.importorskip("onnxruntime") if out.suffix == ".onnx" else None
    report = export_network(network(kind), out, crop=crop, **words)
    assert out.is_file() and report.size_bytes == out.stat().st_size
    assert report.differences.keys() == report.limits.keys()
    assert all(report.differences[name] <= limit for name, limit in report.limits.items())
    return report


@pytest.mark.slow
def test_a_backbone_for_any_number_of_pictures(tmp_path: Path) -> None:
    report = export("pose_resnet", tmp_path / "backbone.pt2")
    assert report.inputs == {"images": ["batch", 3, 128, 128]}
    # Of maps of size one; the errors of a dozen layers of sums of 2304 terms, see test_openvino_module.
    assert report.limits["heatmaps"] < 0.01
    module = torch.export.load(tmp_path / "backbone.pt2").module()
    images = torch.randn(5, 3, 128, 128)
    with torch.no_grad():
        expected = network("pose_resnet").network(images).heatmaps
        torch.testing.assert_close(module(images=images)["heatmaps"], expected, rtol=0, atol=0.003)
    with zipfile.ZipFile(tmp_path / "backbone.pt2") as stored:
        (card,) = (name for name in stored.namelist() if name.endswith("posestage.json"))
        assert json.loads(stored.read(card))["kind"] == "pose_resnet"


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".pt2", ".onnx"])
@pytest.mark.parametrize("kind", ["algebraic", "volumetric", "contextpose"])
def test_whole_networks_for_any_views(kind: str, suffix: str, tmp_path: Path) -> None:
    # Confidences of the algebraic network cannot be had from fewer than 128 px.
    crop = 128 if kind == "algebraic" else 64
    report = export(kind, tmp_path / f"network{suffix}", crop=crop)
    assert not report.part
    assert report.inputs["images"] == ["batch", "views", 3, crop, crop]
    assert report.inputs["present"] == ["batch", "views"]


@pytest.mark.slow
def test_votes_of_heatmaps_leave_with_the_network(tmp_path: Path) -> None:
    # Trained: random weights make heatmaps of thousands, whose probabilities hang on rounding.
    opened = open_network("studio_lite_volumetric", None, {})
    report = export_network(opened, tmp_path / "network.onnx", crop=64)
    assert report.inputs["images"] == ["batch", "views", 3, 64, 64]
    assert 0.0 <= report.differences["keypoints_3d"] <= report.limits["keypoints_3d"] < 0.01


@pytest.mark.slow
def test_fixed_sizes_and_an_onnx_file_by_itself(tmp_path: Path) -> None:
    runtime = pytest.importorskip("onnxruntime")
    report = export("pose_resnet", tmp_path / "network.onnx", batch=1)
    assert report.inputs == {"images": [1, 3, 128, 128]}
    session = runtime.InferenceSession(tmp_path / "network.onnx", providers=["CPUExecutionProvider"])
    assert {each.name: each.shape for each in session.get_inputs()} == report.inputs
    assert json.loads(session.get_modelmeta().custom_metadata_map["posestage.json"])["kind"] == "pose_resnet"


@pytest.mark.slow
def test_consensus_of_two_views_and_its_peaks_in_onnx(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="--views"):
        export("ransac", tmp_path / "network.pt2")
    report = export("ransac", tmp_path / "network.pt2", views=2)
    assert report.inputs["images"] == ["batch", 2, 3, 128, 128]
    assert {"keypoints_3d", "inliers", "determined"} < report.differences.keys()
    report = export("ransac", tmp_path / "network.onnx")
    assert "2D" in report.part and report.differences.keys() == {"heatmaps", "keypoints_2d"}


def test_a_file_that_says_something_else_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = exporting._torch_export

    def off_by_a_thousandth(form: Any, *words: Any) -> bytes:
        changed = network("pose_resnet").network
        changed.final_layer.weight.data.mul_(1.003)
        return honest(exporting.exportable(changed, whole=True), *words)

    monkeypatch.setattr(exporting, "_torch_export", off_by_a_thousandth)
    out = tmp_path / "backbone.pt2"
    out.write_text("the previous one")
    with pytest.raises(PosestageError, match=r"not written.*heatmaps by up to"):
        export_network(network("pose_resnet"), out, crop=128)
    assert out.read_text() == "the previous one" and list(tmp_path.iterdir()) == [out]


def test_words_that_do_not_fit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backbone, whole = network("pose_resnet"), network("algebraic")
    for opened, name, words, part in (
        (backbone, "network.pth", {}, r"\*\.pt2"),
        (backbone, "nowhere/network.pt2", {}, "folder"),
        (backbone, "network.pt2", {"crop": 100}, "multiples of 32"),
        (backbone, "network.pt2", {"views": 3}, "--batch"),
        (whole, "network.pt2", {"views": 1}, "2 to 64"),
        (whole, "network.pt2", {"batch": 0}, "1 to 64"),
    ):
        with pytest.raises(BadInputError, match=part):
            export_network(opened, tmp_path / name, **words)
    monkeypatch.setattr(exporting, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"\.\[export\]"):
        export_network(backbone, tmp_path / "network.onnx")
    assert not list(tmp_path.iterdir())


def test_samples_look_at_their_people() -> None:
    sample = Sample.random(2, 5, 128, 2, seed=1)
    centres = torch.cat([sample.centres, torch.ones(2, 1)], dim=1)
    seen = (sample.projections @ centres[:, None, :, None]).squeeze(-1)
    assert (seen[..., 2] > 3000).all()
    place = seen[..., :2] / seen[..., 2:]
    # 0.4 m at 4 m with 1.6 crops of focal length.
    assert ((place - 63.5).abs() < 0.1 * 1.6 * 128 * 1.2).all()
    assert sample.present.sum(dim=1).tolist() == [5, 4]
