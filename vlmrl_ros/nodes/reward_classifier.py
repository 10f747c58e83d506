"""``reward_classifier``: learns from bags which camera frames show success, for a bridge that rewards by sight."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from rich.console import Console
from rich.table import Table

from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import BagError, ConfigError, VlmrlError
from vlmrl_ros.core.spec import CameraSpec, TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.flags import add_flags
from vlmrl_ros.policies.classifier.config import ClassifierConfig

if TYPE_CHECKING:
    from vlmrl_ros.policies.classifier.training import Judgement, LabelledFrames
    from vlmrl_ros.policies.evaluation.statistics import Interval


def main() -> None:
    """Entry point: ``reward_classifier BAGS... DIRECTORY``."""
    arguments = _parser().parse_args()
    try:
        judgement = _train(arguments)
    except VlmrlError as error:
        sys.exit(f"error: {error}")
    except OSError as error:
        sys.exit(f"error: '{error.filename}' cannot be read or written: {error.strerror}")
    _show(arguments.directory, judgement)


def _train(arguments: argparse.Namespace) -> Judgement:
    from vlmrl_ros.bridge.bags.reader import read_steps
    from vlmrl_ros.policies.classifier.files import write_classifier
    from vlmrl_ros.policies.classifier.training import fit, hold_out, judge

    if arguments.directory.exists():
        raise ConfigError(f"'{arguments.directory}' is there already; valid: a new directory")
    given = {f.name: getattr(arguments, f.name) for f in fields(ClassifierConfig)}
    config = from_mapping(ClassifierConfig, given, "reward classifier")
    spec, steps = read_steps(arguments.bags)
    cameras = chosen_cameras(spec, arguments.cameras)
    rng = stream(arguments.seed, "classifier")
    training, held = hold_out(labelled_frames(steps, cameras), config.held_out, rng)
    model = fit(cameras, training, config, rng)
    judgement = judge(model, held, config.threshold)
    write_classifier(arguments.directory, model, cameras, config, judgement)
    return judgement


def chosen_cameras(spec: TaskSpec, names: list[str]) -> tuple[CameraSpec, ...]:
    """The cameras of a task by name; all without names.

    Raises:
        ConfigError: the task has none, or not one of that name.
    """
    there = {camera.name: camera for camera in spec.cameras}
    if not there:
        raise ConfigError(f"the bags of '{spec.task}' have no camera frames; record the task with cameras")
    if missing := [name for name in names if name not in there]:
        raise ConfigError(f"the bags of '{spec.task}' have no camera {missing[0]}; valid: {', '.join(there)}")
    return tuple(there[name] for name in names or there)


def labelled_frames(steps: Iterable[Step], cameras: tuple[CameraSpec, ...]) -> LabelledFrames:
    """The frames of all steps. The operator's marks have the last word on which of them show success.

    Those that were rewarded do: on an arm from the mark on, or by a test. So does the frame with which a mark of
    success ended the episode, as it does in simulation, unrewarded. In an episode that was marked as failed none does.

    Raises:
        BagError: no step.
    """
    from vlmrl_ros.policies.classifier.training import LabelledFrames

    frames: dict[str, list[Any]] = {camera.name: [] for camera in cameras}
    success, episode, failed, begun = [], [], [], -1
    for step in steps:
        feedback = step.feedback
        begun += feedback.step == 0 or begun < 0
        for name, kept in frames.items():
            kept.append(step.observation[name])
        success.append(feedback.reward > 0.0 or (feedback.terminated and feedback.success))
        episode.append(begun)
        if feedback.terminated and not feedback.success:
            failed.append(begun)
    if not success:
        raise BagError("the bags hold no steps")
    shown = np.array(success) & ~np.isin(episode, failed)
    return LabelledFrames({n: np.stack(kept) for n, kept in frames.items()}, shown, np.array(episode))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="reward_classifier", description=__doc__)
    parser.add_argument("bags", nargs="+", type=Path, help="bags, run directories or folders of bags, with cameras")
    parser.add_argument("directory", type=Path, help="where the classifier goes; must not exist yet")
    parser.add_argument("--cameras", nargs="*", default=[], help="cameras that it looks at; all of the task without")
    parser.add_argument("--seed", type=int, default=0, help="of all randomness")
    add_flags(parser, ClassifierConfig)
    return parser


def _show(directory: Path, judgement: Judgement) -> None:
    console = Console(width=100)
    table = Table(title=f"{judgement.frames} frames of {judgement.episodes} episodes held out")
    table.add_column("figure")
    table.add_column("value, 95 % interval", justify="right")
    table.add_row("precision", _text(judgement.precision))
    table.add_row("recall", _text(judgement.recall))
    console.print(table)
    console.print(f"reward classifier: {directory}", soft_wrap=True, highlight=False, markup=False)


def _text(interval: Interval | None) -> str:
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]" if interval else "no such frames"


if __name__ == "__main__":
    main()
