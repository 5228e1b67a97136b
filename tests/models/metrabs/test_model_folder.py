import pickle

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import yaml  # noqa: E402

from configs.errors import BadInputError  # noqa: E402
from models.checkpoints.importing import import_checkpoint, load_network  # noqa: E402
from models.metrabs.crop_model import MetrabsConfig, MetrabsCropModel  # noqa: E402
from models.metrabs.model_folder import read_model_folder  # noqa: E402

NAMES = ("lwri", "rwri", "pelv")
SETTINGS = {
    "proc_side": 64,
    "stride_train": 32,
    "stride_test": 32,
    "centered_stride": False,
    "legacy_centered_stride_bug": True,
    "efficientnet_size": "s",
    "depth": 8,
    "box_size_mm": 2200,
    "weak_perspective": False,
    "mix_3d_inside_fov": 0.5,
    "affine_weights": "",
    "transform_coords": False,
}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(3)
    torch.set_num_threads(1)
    config = MetrabsConfig(proc_side=64, points=3, centered_stride=False, legacy_centered_stride_bug=True)
    return MetrabsCropModel(config).eval()


@pytest.fixture(scope="module")
def published(network, tmp_path_factory):
    """As released: yaml, pickled state_dict, arrays, pickled skeletons."""
    folder = tmp_path_factory.mktemp("metrabs_eff2s")
    torch.save(network.state_dict(), folder / "ckpt.pt")
    return folder


@pytest.fixture
def folder(published):
    (published / "config.yaml").write_text(yaml.safe_dump(SETTINGS))
    np.savez(
        published / "joint_info.npz", joint_names=np.array(NAMES), joint_edges=np.array([[0, 2], [1, 2]])
    )
    np.save(published / "joint_transform_matrix.npy", np.eye(3, 4, dtype=np.float32))
    infos = {
        "": {"indices": [0, 1, 2, 3], "names": [*NAMES, "x"], "edges": [(0, 2)]},
        "two_2": {"indices": np.array([1, 0]), "names": ["rwri", "lwri"], "edges": []},
    }
    (published / "skeleton_infos.pkl").write_bytes(pickle.dumps(infos))
    return published


def test_a_released_folder(folder, network):
    read, layout = read_model_folder(folder)
    assert read.config == network.config
    images, intrinsics = torch.rand(2, 3, 64, 64), torch.eye(3).expand(2, 3, 3) * 100
    with torch.no_grad():
        torch.testing.assert_close(read(images, intrinsics), network(images, intrinsics))
    assert layout.names == NAMES
    assert layout.edges == ((0, 2), (1, 2))
    assert layout.count == 4
    assert layout.select("two_2").indices == (1, 0)


def test_import_keeps_weights_and_settings(folder, network, tmp_path):
    settings = {"proc_side": 64, "centered_stride": False, "legacy_centered_stride_bug": True}
    card = import_checkpoint(folder / "ckpt.pt", tmp_path / "m.safetensors", "metrabs", settings)
    assert card.settings["points"] == 3
    assert card.settings["efficientnet_size"] == "s"
    loaded, _ = load_network(tmp_path / "m.safetensors")
    images, intrinsics = torch.rand(1, 3, 64, 64), torch.eye(3)[None] * 100
    with torch.no_grad():
        torch.testing.assert_close(loaded(images, intrinsics), network(images, intrinsics))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"stride_test": 4}, "stride_test"),
        ({"efficientnet_size": "l"}, "not what the weights are: s"),
        ({"proc_side": None}, "proc_side"),
        ({"proc_side": 100}, "proc_side"),
        ({"depth": 4}, "does not fit|joints"),
        ({"mix_3d_inside_fov": 2.0}, "mix_3d_inside_fov"),
        ({"transform_coords": True}, "latent points"),
    ],
)
def test_settings_that_do_not_fit(folder, changed, words):
    settings = {key: value for key, value in (SETTINGS | changed).items() if value is not None}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    with pytest.raises(BadInputError, match=words):
        read_model_folder(folder)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("joint_info.npz", b"nothing", "damaged"),
        ("skeleton_infos.pkl", b"nothing", "damaged|cannot be read"),
        ("skeleton_infos.pkl", pickle.dumps(print), "print"),
        ("skeleton_infos.pkl", pickle.dumps({"a": [1]}), "no skeletons"),
        ("joint_transform_matrix.npy", b"nothing", "damaged"),
        ("config.yaml", b"- 1", "config.yaml"),
    ],
)
def test_damaged_files(folder, file, content, words):
    (folder / file).write_bytes(content)
    with pytest.raises(BadInputError, match=words):
        read_model_folder(folder)


def test_joints_without_weights(folder):
    np.savez(folder / "joint_info.npz", joint_names=np.array(["a", "b"]), joint_edges=np.zeros((0, 2), int))
    with pytest.raises(BadInputError, match="names 2 joints, the weights predict 3"):
        read_model_folder(folder)


def test_an_empty_folder(tmp_path):
    with pytest.raises(BadInputError, match="no such file"):
        read_model_folder(tmp_path)
