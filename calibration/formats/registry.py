"""Every calibration format that can be read and written; one line each."""

from __future__ import annotations

from configs.registry import Registry

# The order is the order in which a file is tried; the last one takes every yaml that nobody else claims.
FORMATS = Registry(
    "calibration format",
    {
        "qualisys": "calibration.formats.qualisys:QualisysFormat",
        "easymocap": "calibration.formats.opencv_yml:EasyMocapFormat",
        "toml": "calibration.formats.toml_family:TomlFormat",
        "posestage": "calibration.formats.posestage:PosestageFormat",
    },
)
