"""``vlm_train``: teaches a vision-language model a task of yours, which is one class, by what it says there."""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import ConfigError, VlmrlError
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.nodes.flags import add_flags
from vlmrl_ros.nodes.turn_plan import TurnPlan, VlmTrainConfig, learner_options
from vlmrl_ros.nodes.turn_task import maker


def main() -> None:
    """Entry point: ``vlm_train TASK DIRECTORY``."""
    arguments = _parser().parse_args()
    stop = threading.Event()
    _listen(stop)
    try:
        summary = _train(arguments, stop)
    except VlmrlError as error:
        sys.exit(f"error: {error}")
    _say(f"results: {arguments.directory / 'summary.json'}" if summary else "ended before the first update")


def _listen(stop: threading.Event) -> None:
    """Have Ctrl-C end the run whole; a second one ends it at once."""

    def hear(number: int, frame: object) -> None:
        stop.set()
        signal.signal(number, signal.SIG_DFL)

    for asked in (signal.SIGINT, signal.SIGTERM):
        signal.signal(asked, hear)


def _train(arguments: argparse.Namespace, stop: threading.Event) -> dict[str, Any]:
    plan = _plan(arguments)
    directory = RunDirectory(arguments.directory, plan.config.resume)
    from vlmrl_ros.nodes.turn_run import TurnRun  # loads torch, which takes long

    run = TurnRun(plan, directory, _say)
    try:
        if not plan.config.resume:
            directory.write_text("config.yaml", yaml.safe_dump(plan.settings(), sort_keys=True))
        summary = run.make(stop.is_set)
        for name, found in summary.get("final", {}).items():
            span = f"[{found['task_return_low']:.3f}, {found['task_return_high']:.3f}]"
            _say(f"{name}: mean return {found['task_return']:.3f} {span} in {found['episodes']} fresh episodes")
        return summary
    finally:
        directory.close(discard=not run.began)


def _plan(arguments: argparse.Namespace) -> TurnPlan:
    config = from_mapping(VlmTrainConfig, {f.name: getattr(arguments, f.name) for f in fields(VlmTrainConfig)})
    from vlmrl_ros.policies.vlm.tiny import TinyConfig  # loads torch

    tiny = from_mapping(TinyConfig, _pairs(arguments.tiny), "tiny")
    learner = learner_options(config, _pairs(arguments.options))
    return TurnPlan(arguments.task, maker(arguments.task), config, learner, tiny)


def _pairs(given: Sequence[str]) -> dict[str, Any]:
    """Values by name from ``name=value``, as JSON has them; what is none is text.

    Raises:
        ConfigError: one of another form.
    """
    found: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name and equals):
            raise ConfigError(f"option '{one}' is no pair; valid: <name>=<value>")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="vlm_train", description=__doc__)
    parser.add_argument("task", help="<module>:<class> of the text task, or <module>:<function> that makes one")
    parser.add_argument("directory", type=Path, help="directory of this run; must not hold one yet, without --resume")
    parser.add_argument(
        "--options", nargs="*", default=[], metavar="NAME=VALUE", help="of the learner, see docs/parameters.md"
    )
    parser.add_argument(
        "--tiny", nargs="*", default=[], metavar="NAME=VALUE", help="sizes of the model tiny, see docs/parameters.md"
    )
    add_flags(parser, VlmTrainConfig)
    return parser


def _say(line: str) -> None:
    Console(soft_wrap=True, highlight=False).print(line, markup=False)


if __name__ == "__main__":
    main()
