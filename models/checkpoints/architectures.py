"""The networks that a file of weights may hold: by name, with their settings, built in one place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field, model_validator
from torch import Tensor, nn

from configs.errors import bad_input, did_you_mean
from configs.loading import Config, parse_config
from models.backbones.choice import BackboneKind
from models.backbones.pose_resnet import LAYERS, PoseResNet
from models.backbones.residual_blocks import Bottleneck
from models.backbones.studio_lite import StudioLite
from models.lifting import gridconv, simple_baseline
from models.lifting.gridconv import GridConv, GridConvConfig
from models.lifting.simple_baseline import SimpleBaseline, SimpleBaselineConfig
from models.metrabs import crop_model as metrabs
from models.triangulation.algebraic import AlgebraicTriangulation
from models.triangulation.contextpose import ContextPose, ContextPoseConfig
from models.triangulation.limb_prior import LimbPrior, limbs_of
from models.triangulation.ransac import RansacTriangulation
from models.triangulation.volumetric import VolumetricConfig, VolumetricTriangulation

Depth = Literal[18, 34, 50, 101, 152]


class PoseResNetSettings(Config):
    """See ``PoseResNet``."""

    layers: Depth = 152
    joints: int = Field(17, ge=1)
    style: Literal["simple", "caffe"] = "simple"
    alg_confidences: bool = False
    vol_confidences: bool = False


class StudioLiteSettings(Config):
    """See ``StudioLite``."""

    joints: int = Field(26, ge=1)
    width: float = Field(1.0, gt=0.0, le=4.0)
    alg_confidences: bool = True
    vol_confidences: bool = False


class AlgebraicSettings(Config):
    """See ``AlgebraicTriangulation``."""

    backbone: BackboneKind = "pose_resnet"
    layers: Depth = 152
    joints: int = Field(17, ge=1)
    style: Literal["simple", "caffe"] = "simple"
    use_confidences: bool = True
    heatmap_softmax: bool = True
    heatmap_multiplier: float = Field(100.0, gt=0.0)


class RansacSettings(Config):
    """See ``RansacTriangulation``."""

    backbone: BackboneKind = "pose_resnet"
    layers: Depth = 152
    joints: int = Field(17, ge=1)
    style: Literal["simple", "caffe"] = "simple"
    direct_optimization: bool = True
    epsilon: float = Field(15.0, gt=0.0)


class ContextPoseSettings(ContextPoseConfig):
    """ContextPose and the limb lengths it believes in, mm."""

    limb_mean: tuple[float, ...]
    limb_deviation: tuple[float, ...]

    @model_validator(mode="after")
    def _limbs_fit(self) -> ContextPoseSettings:
        count = len(limbs_of(self.joints))
        for name in ("limb_mean", "limb_deviation"):
            if len(getattr(self, name)) != count:
                raise ValueError(f"{name} needs the {count} limbs of {self.joints} joints")
        return self


SKELETONS_BY_JOINTS = {17: "human36m_lt17", 26: "halpe_26"}
"""Released weights have 17 joints, those trained on the simulated studio 26."""


def _triangulated(fields: Mapping[str, Any]) -> str | None:
    return SKELETONS_BY_JOINTS.get(fields["joints"])


def _lifted(fields: Mapping[str, Any]) -> str | None:
    known = fields["joints"] == 17 if "joints" in fields else fields["joints_out"] in (16, 17)
    return "human36m_17" if known else None


@dataclass(frozen=True)
class Architecture:
    """One kind of network.

    Attributes:
        settings: Its configuration.
        build: From that configuration to the network with random weights.
        backbone: Prefix of the entries of its backbone.
        inferred: Settings besides depth and joints that the names in a file tell.
        named: Settings that the name of a released file tells.
        skeleton: From the settings to the skeleton that trained joints follow, None where it is unknown.
    """

    settings: type[Config]
    build: Callable[[Any], nn.Module]
    backbone: str
    inferred: Callable[[Mapping[str, Tensor]], dict[str, Any]] = lambda state: {}
    named: Callable[[str], dict[str, Any]] = lambda stem: {}
    skeleton: Callable[[Mapping[str, Any]], str | None] = _triangulated


def _pose_resnet(settings: PoseResNetSettings) -> nn.Module:
    return PoseResNet(
        settings.layers, settings.joints, settings.style, settings.alg_confidences, settings.vol_confidences
    )


def _studio_lite(settings: StudioLiteSettings) -> nn.Module:
    return StudioLite(settings.joints, settings.width, settings.alg_confidences, settings.vol_confidences)


def _algebraic(settings: AlgebraicSettings) -> nn.Module:
    return AlgebraicTriangulation(
        settings.layers,
        settings.joints,
        settings.style,
        settings.use_confidences,
        settings.heatmap_softmax,
        settings.heatmap_multiplier,
        settings.backbone,
    )


def _ransac(settings: RansacSettings) -> nn.Module:
    return RansacTriangulation(
        settings.layers,
        settings.joints,
        settings.style,
        settings.direct_optimization,
        settings.epsilon,
        settings.backbone,
    )


def _contextpose(settings: ContextPoseSettings) -> nn.Module:
    names = set(ContextPoseConfig.model_fields)
    config = ContextPoseConfig.model_validate(settings.model_dump(include=names))
    return ContextPose(config, LimbPrior(settings.limb_mean, settings.limb_deviation, settings.joints))  # type: ignore[arg-type]


def _has(state: Mapping[str, Tensor], prefix: str) -> bool:
    return any(name.startswith(prefix) for name in state)


ARCHITECTURES: dict[str, Architecture] = {
    "pose_resnet": Architecture(
        PoseResNetSettings,
        _pose_resnet,
        "",
        lambda state: {head: _has(state, f"{head}.") for head in ("alg_confidences", "vol_confidences")},
    ),
    "studio_lite": Architecture(StudioLiteSettings, _studio_lite, ""),
    "algebraic": Architecture(
        AlgebraicSettings,
        _algebraic,
        "backbone.",
        lambda state: {"use_confidences": _has(state, "backbone.alg_confidences.")},
    ),
    "ransac": Architecture(RansacSettings, _ransac, "backbone."),
    "volumetric": Architecture(VolumetricConfig, VolumetricTriangulation, "backbone."),
    "contextpose": Architecture(
        ContextPoseSettings,
        _contextpose,
        "backbone.",
        lambda state: {"from_heatmaps": not _has(state, "process_features.")},
    ),
    "simple_baseline": Architecture(
        SimpleBaselineConfig, SimpleBaseline, "", simple_baseline.settings_in, skeleton=_lifted
    ),
    "gridconv": Architecture(
        GridConvConfig, GridConv, "", gridconv.settings_in, gridconv.settings_by_name, _lifted
    ),
    "metrabs": Architecture(
        metrabs.MetrabsConfig, metrabs.MetrabsCropModel, "", metrabs.settings_in, skeleton=lambda fields: None
    ),
}


def architecture(name: str) -> Architecture:
    """The entry called ``name``.

    Raises:
        BadInputError: There is none.
    """
    if name not in ARCHITECTURES:
        raise bad_input(
            "unknown kind of model",
            value=name,
            allowed=", ".join(ARCHITECTURES),
            hint=did_you_mean(name, ARCHITECTURES),
        )
    return ARCHITECTURES[name]


def build_network(name: str, settings: Mapping[str, Any], *, source: str = "settings") -> nn.Module:
    """A network with random weights.

    Raises:
        BadInputError: No such kind, or a setting is wrong.
    """
    entry = architecture(name)
    return entry.build(parse_config(entry.settings, settings, source=source))


def settings_of(name: str, state: Mapping[str, Tensor], stem: str = "") -> dict[str, Any]:
    """What the names and shapes in a file tell about the network in it; nothing where they do not fit.

    Args:
        name: Kind of network.
        state: Its weights.
        stem: Name of the file without its ending; released files tell settings by it.
    """
    entry = architecture(name)
    found = entry.inferred(state) | entry.named(stem)
    depth = depth_of(state, entry.backbone)
    if depth is not None:
        found["layers"] = depth
    final = state.get(f"{entry.backbone}final_layer.weight")
    if final is not None:
        found["joints"] = len(final)
    return found


def depth_of(state: Mapping[str, Tensor], prefix: str) -> int | None:
    """Depth of the backbone by the blocks that a file has, or None."""
    counts = tuple(
        len(
            {
                name.removeprefix(f"{prefix}layer{layer}.").partition(".")[0]
                for name in state
                if name.startswith(f"{prefix}layer{layer}.")
            }
        )
        for layer in range(1, 5)
    )
    deep = f"{prefix}layer1.0.conv3.weight" in state
    for depth, (block, expected) in LAYERS.items():
        if counts == expected and deep == (block is Bottleneck):
            return depth
    return None
