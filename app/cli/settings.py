"""A command's configuration from ``--config`` and ``--set``."""

from __future__ import annotations

import argparse

from configs.loading import AnyConfig, apply_overrides, load_config, parse_config


def read_settings(kind: type[AnyConfig], args: argparse.Namespace) -> AnyConfig:
    """``kind`` with its defaults, changed by the file of ``--config``, changed by every ``--set``.

    Raises:
        BadInputError: Names file or option, key, value and what is allowed.
    """
    if args.config is not None:
        return load_config(kind, args.config, args.set)
    return parse_config(kind, apply_overrides({}, args.set), source="--set")
