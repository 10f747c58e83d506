"""A reward classifier on a simulated arm: how often it is right about episodes that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from vlmrl_ros.core.streams import stream
from vlmrl_ros.nodes.bench.alone import lived_by_operator
from vlmrl_ros.nodes.bench.figures import Figures, over_seeds
from vlmrl_ros.nodes.bench.remembered import Result, remembered
from vlmrl_ros.nodes.reward_classifier import labelled_frames
from vlmrl_ros.policies.classifier.config import ClassifierConfig
from vlmrl_ros.policies.classifier.training import calls, fit, hold_out, judge_calls
from vlmrl_ros.sim.load import build as build_task

EPISODES, QUICK_EPISODES = 240, 40
CONFIG = ClassifierConfig(updates=1500, learning_rate=1e-3, shift_px=1)
"""What is within a centimetre or two of the goal is a pixel or two away from it: frames are hardly shifted."""


def measure_classifier(task: str, options: Mapping[str, Any], seeds: Sequence[int], quick: bool, work: Path) -> Figures:
    """Train on what the scripted person of a task lives through, who errs at times, and judge what was held out.

    Args:
        task: name of the task.
        options: deviations from its defaults; it has cameras.
        seeds: of episodes and training.
        quick: fewer episodes.
        work: where results are kept.

    Returns:
        of single frames ``<task>.classifier.precision`` and ``.recall``; of episodes ``.false_alarms``, the share in
        which a frame without success was called one. Mean and interval over seeds.
    """
    episodes = QUICK_EPISODES if quick else EPISODES
    found = [_remembered(task, options, episodes, seed, work) for seed in seeds]
    figures: Figures = {}
    for name in found[0]:
        figures |= over_seeds(f"{task}.classifier.{name}", [one[name] for one in found])
    return figures


def _remembered(task: str, options: Mapping[str, Any], episodes: int, seed: int, work: Path) -> Result:
    about = {"options": options, "episodes": episodes, "config": asdict(CONFIG), "seed": seed}
    return remembered(work / f"{task}_classifier_s{seed}.json", about, lambda: _trained(task, options, episodes, seed))


def _trained(name: str, options: Mapping[str, Any], episodes: int, seed: int) -> Result:
    task = build_task(name, options)
    seen = labelled_frames(lived_by_operator(task, {}, episodes, seed), task.spec.cameras)
    rng = stream(seed, "classifier")
    training, held = hold_out(seen, CONFIG.held_out, rng)
    model = fit(task.spec.cameras, training, CONFIG, rng)
    task.close()
    called = calls(model, held, CONFIG.threshold)
    judgement, alarmed = judge_calls(called, held), np.unique(held.episode[called & ~held.success])
    assert judgement.recall is not None  # episodes with success are held out, too
    return {
        # where nothing was called success, nothing was called so wrongly
        "precision": judgement.precision.mean if judgement.precision else 1.0,
        "recall": judgement.recall.mean,
        "false_alarms": len(alarmed) / judgement.episodes,
    }
