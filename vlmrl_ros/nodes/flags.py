"""Options of a configuration as flags of a command."""

from __future__ import annotations

import argparse
from typing import Any

from vlmrl_ros.core.config import options


def add_flags(parser: argparse.ArgumentParser, config_type: type[Any]) -> None:
    """Give a command a flag for each option of a configuration."""
    for name, (kind, default, about) in options(config_type).items():
        kinds: dict[str, Any] = {"nargs": "*", "type": str} if kind == tuple[str, ...] else {"type": kind}
        shown = f"{about.description} ({default})" if default != () else about.description
        if kind is bool:
            kinds, shown = {"action": "store_true"}, about.description
        parser.add_argument(f"--{name.replace('_', '-')}", dest=name, default=default, help=shown, **kinds)
