"""A crop network by what a user says: the folder of a published model, or weights of our own training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from configs.errors import bad_input
from models.checkpoints.opening import open_network
from models.metrabs.crop_model import MetrabsCropModel
from models.metrabs.joint_layout import JointLayout
from models.metrabs.model_folder import checkpoint_of, read_model_folder
from models.zoo.checksum import sha256_of
from models.zoo.imported import imported_names
from models.zoo.shipped import shipped_names


@dataclass(frozen=True)
class OpenedMetrabs:
    """A network in evaluation mode on the CPU.

    Attributes:
        network: With its weights.
        layout: Its joints.
        name: For people.
        hashes: SHA-256 of the file of weights by its name.
    """

    network: MetrabsCropModel
    layout: JointLayout
    name: str
    hashes: dict[str, str]


def open_metrabs(
    weights: str, *, affine_weights: Path | None = None, source: str | None = None
) -> OpenedMetrabs:
    """Read a network.

    Args:
        weights: A folder, see ``read_model_folder``; a file that training wrote, or the name of such a
            network.
        affine_weights: See ``read_model_folder``.
        source: Where that is said, for messages.

    Raises:
        BadInputError: No such folder or file, or it does not fit.
    """
    path = Path(weights).expanduser()
    if path.is_dir():
        network, layout = read_model_folder(path, affine_weights=affine_weights)
        checkpoint = checkpoint_of(path)
        name = path.resolve().name
        return OpenedMetrabs(network, layout, name, {checkpoint.name: sha256_of(checkpoint)})
    if not path.is_file() and (path.suffix or weights not in (*imported_names(), *shipped_names())):
        raise bad_input(
            "is not the folder of a MeTRAbs model, nor weights of one",
            file=source,
            key="weights",
            value=weights,
            allowed="a folder with config.yaml, ckpt.pt and joint_info.npz, a file that training wrote "
            "(best.safetensors), or the name of an imported one",
        )
    opened = open_network(weights, "metrabs", {})
    assert isinstance(opened.network, MetrabsCropModel)
    assert opened.path is not None
    config = opened.network.config
    if not config.joint_names:
        raise bad_input(
            "does not say what its joints are called",
            file=opened.path,
            hint="give the folder that the file belongs to: config.yaml, ckpt.pt, joint_info.npz",
        )
    layout = JointLayout(config.joint_names, config.edges)
    return OpenedMetrabs(opened.network, layout, opened.path.stem, opened.hashes())
