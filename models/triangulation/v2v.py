"""The 3D encoder-decoder that turns a volume of image features into one volume per joint.

Source: Moon, Chang, Lee, "V2V-PoseNet", CVPR 2018, in the form of Iskakov et al., "Learnable Triangulation
of Human Pose", ICCV 2019, supplement.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn

from configs.errors import bad_input
from models.triangulation.volume_blocks import BasicBlock, ResidualBlock, UpsamplingBlock, halve

WIDTHS = (32, 64, 128, 128, 128, 128)
"""Channels at full size and after each of the five halvings."""
DEPTH = len(WIDTHS) - 1
"""How often the volume is halved."""
SMALL_WIDTHS = (16, 32, 64)
SMALL_KERNEL = 3
"""Of a network for volumes of 16 or 32 voxels per side on a CPU; not published anywhere."""


class EncoderDecoder(nn.Module):
    """Levels down and up; a residual block on the way down, one across and one on the way up each.

    Args:
        widths: Channels at full size and after each halving.
    """

    def __init__(self, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        self._depth = depth = len(widths) - 1
        # Assigned in the order of the released checkpoints.
        for level in range(1, depth + 1):
            self.add_module(f"encoder_res{level}", ResidualBlock(widths[level - 1], widths[level]))
        self.mid_res = ResidualBlock(widths[depth], widths[depth])
        for level in range(depth, 0, -1):
            self.add_module(f"decoder_res{level}", ResidualBlock(widths[level], widths[level]))
            self.add_module(f"decoder_upsample{level}", UpsamplingBlock(widths[level], widths[level - 1]))
        for level in range(1, depth + 1):
            self.add_module(f"skip_res{level}", ResidualBlock(widths[level - 1], widths[level - 1]))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, S, S, S) to the same shape."""
        across = []
        for level in range(1, self._depth + 1):
            across.append(self.get_submodule(f"skip_res{level}")(x))
            x = self.get_submodule(f"encoder_res{level}")(halve(x))
        x = self.mid_res(x)
        for level in range(self._depth, 0, -1):
            x = self.get_submodule(f"decoder_res{level}")(x)
            x = self.get_submodule(f"decoder_upsample{level}")(x) + across.pop()
        return x


class V2VModel(nn.Module):
    """From a feature volume to one logit volume per joint.

    Args:
        channels_in: Channels of the feature volume.
        joints: Number of joints.
        widths: See ``EncoderDecoder``.
        front_kernel: Side of the first filters.
    """

    def __init__(
        self, channels_in: int, joints: int, widths: tuple[int, ...] = WIDTHS, front_kernel: int = 7
    ) -> None:
        super().__init__()
        width = widths[0]
        self._halvings = len(widths) - 1
        self.front_layers = nn.Sequential(
            BasicBlock(channels_in, 16, front_kernel),
            ResidualBlock(16, width),
            ResidualBlock(width, width),
            ResidualBlock(width, width),
        )
        self.encoder_decoder = EncoderDecoder(widths)
        self.back_layers = nn.Sequential(
            ResidualBlock(width, width),
            BasicBlock(width, width, 1),
            BasicBlock(width, width, 1),
        )
        self.output_layer = nn.Conv3d(width, joints, 1)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Xavier normal weights and zero bias for every convolution, as the published training starts."""
        for module in self.modules():
            if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
                nn.init.xavier_normal_(module.weight)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, volume: Tensor) -> Tensor:
        """Logits of every joint.

        Args:
            volume: (B, channels_in, S, S, S); every side a multiple of 32 (of a power of two
                by ``widths``).

        Returns:
            (B, joints, S, S, S).

        Raises:
            BadInputError: A side is no such multiple.
        """
        if any(side % 2**self._halvings for side in volume.shape[2:]):
            raise bad_input(
                f"the volume's sides must be multiples of {2**self._halvings}, because V2V halves them",
                value=" x ".join(str(side) for side in volume.shape[2:]),
            )
        x = self.front_layers(volume)
        x = self.encoder_decoder(x)
        x = self.back_layers(x)
        return cast(Tensor, self.output_layer(x))
