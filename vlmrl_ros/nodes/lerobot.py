"""``lerobot``: bags to a LeRobotDataset v3.0, and back."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from vlmrl_ros.core.errors import PluginError, VlmrlError


def main() -> None:
    """Entry point: ``lerobot export BAGS... DATASET`` and ``lerobot import DATASET BAGS``."""
    arguments = _parser().parse_args()
    try:
        line = _export(arguments) if arguments.command == "export" else _import(arguments)
    except VlmrlError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: '{error.filename}' cannot be read or written: {error.strerror}")
    Console(soft_wrap=True, highlight=False).print(line, markup=False)


def _export(arguments: argparse.Namespace) -> str:
    _check_pyarrow()
    from vlmrl_ros.bridge.lerobot.exporting import export_bags

    done = export_bags(arguments.bags, arguments.dataset, arguments.task, arguments.video)
    alone = f"; {done.alone} steps without a neighbour left out" if done.alone else ""
    return f"{arguments.dataset}: {done.episodes} episodes, {done.frames} frames{alone}"


def _import(arguments: argparse.Namespace) -> str:
    _check_pyarrow()
    from vlmrl_ros.bridge.lerobot.importing import import_dataset

    done = import_dataset(arguments.dataset, arguments.bags, arguments.like, arguments.task)
    how = "as they were recorded" if done.own else "with bounds as found" if arguments.like is None else "as in --like"
    return f"{arguments.bags}: {done.episodes} episodes, {done.steps} steps, {how}"


def _check_pyarrow() -> None:
    try:
        import pyarrow  # noqa: F401 - only to see whether it is there
    except ImportError as error:
        raise PluginError(f"LeRobot data sets need pyarrow: pip install 'vlmrl_ros[lerobot]' ({error})") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="lerobot", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    export = commands.add_parser("export", help="write bags as a data set")
    export.add_argument("bags", nargs="+", type=Path, help="bags, run directories or folders of bags, of one task")
    export.add_argument("dataset", type=Path, help="directory of the data set; must not exist yet")
    export.add_argument("--task", default="", help="what is done, in words; otherwise the task's name")
    export.add_argument("--video", action="store_true", help="frames as MP4: small, but inexact; otherwise PNG")
    back = commands.add_parser("import", help="write a data set as bags")
    back.add_argument("dataset", type=Path, help="directory of the data set")
    back.add_argument("bags", type=Path, help="folder for the bags; must be empty")
    back.add_argument("--like", type=Path, help="bags of the task that the steps shall fit: units, limits, names")
    back.add_argument("--task", default="", help="name of the task of somebody else's data set")
    return parser


if __name__ == "__main__":
    main()
