"""Parameters of the node ``learner``."""

from __future__ import annotations

from dataclasses import dataclass

from vlmrl_ros.core.config import option
from vlmrl_ros.nodes.run_keeper import RunConfig


@dataclass(frozen=True)
class LearnerConfig(RunConfig):
    """Parameters of ``learner``; options of plug-ins are ``<learner>.<option>`` and ``<curriculum>.<option>``."""

    learner: str = option("rlif", "name of the learner plug-in")
    curriculum: str = option(
        "", "name of the curriculum plug-in, for which the learner is made twice; empty: the full task from the start"
    )
    seed: int = option(0, "seed of all randomness in learning", low=0, high=2**31 - 1)
    max_steps: int = option(
        5000,
        "transitions to learn from, without demonstrations; the run ends with the episode in which they are reached",
        low=1,
        high=10**9,
    )
    arms: tuple[str, ...] = option(
        (), "arms of a fleet: their namespaces below that of the learner; empty: one arm, in the learner's own"
    )
    evaluate_with: str = option(
        "", "launch arguments of eval.launch.py besides the checkpoint, in the command that is told at the end"
    )
    sync: bool = option(
        False, "learn from one step of each arm in turn, so that a run of a fleet can be repeated (lockstep only)"
    )
    demonstrations: tuple[str, ...] = option(
        (), "bags, run directories or folders of bags whose demonstrations the learner is given before the first step"
    )
    offline: tuple[str, ...] = option(
        (),
        "bags whose steps the learner is all given; without offline_updates there is no robot besides, and "
        "max_steps counts the pace of its updates alone",
    )
    offline_updates: int = option(
        0, "updates from the bags of offline before the robot begins; 0: there is no robot", low=0, high=10**9
    )
    publish_every: int = option(10, "steps between two versions of the weights", low=1, high=100_000)
    checkpoint_every: int = option(500, "steps between two checkpoints", low=1, high=10**9)
    keep_checkpoints: int = option(3, "newest checkpoints that are kept; the best is kept besides", low=1, high=10**6)
    replay_on_disk: bool = option(
        False, "map the replay from files in run_dir instead of holding it in memory, for one that is larger"
    )
    reference: str = option(
        "",
        "checkpoint of a good policy, of a learner that learned from the task's reward (rlpd, hil_serl): with it the "
        "run logs the terms of RLIF's bound; empty: not known",
    )
    device: str = option("auto", "where to compute", choices=("auto", "cpu", "cuda"))
    eval_task: str = option("", "simulated task in which each checkpoint is evaluated autonomously; empty: none")
    eval_episodes: int = option(50, "episodes of each evaluation; 0: there is none", low=0, high=10_000)
    final_eval_episodes: int = option(100, "episodes of the evaluation at the end; 0: none", low=0, high=100_000)
