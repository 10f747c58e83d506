"""Parameters of the node ``text_learner``, and what a run of it is to do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from vlmrl_ros.bridge.weights import Weights
from vlmrl_ros.core.config import option, to_mapping
from vlmrl_ros.nodes.run_keeper import RunConfig


@dataclass(frozen=True)
class TextLearnerConfig(RunConfig):
    """Parameters of ``text_learner``; options of plug-ins are ``<learner>.<option>`` and ``<task>.<option>``."""

    learner: str = option("ilql", "name of a learner plug-in that learns from episodes of text")
    task: str = option("maze", "name of the text task plug-in, which gives data and evaluations")
    seed: int = option(
        0, "seed of the data, of all randomness in learning and of the evaluation", low=0, high=2**31 - 1
    )
    episodes: int = option(
        -1,
        "own episodes, after which the run ends; 0: nothing is played and only the data teach; -1: 100, or as many as "
        "20 updates of a learner take that learns from them",
        low=-1,
        high=10**9,
    )
    data: int = option(
        1000,
        "episodes of the task's data set that the learner is given; 0: none, where it learns from what it says itself "
        "and clones nothing (cloning_updates: 0)",
        low=0,
        high=10**9,
    )
    offline: tuple[str, ...] = option(
        (), "bags, run directories or folders of bags whose episodes the learner is given instead of the data set"
    )
    offline_updates: int = option(
        200,
        "updates from the data before the first own episode; a learner that goes on from what it says itself makes "
        "those of its clone instead",
        low=0,
        high=10**9,
    )
    samples_per_insert: float = option(
        64.0,
        "a learner that learns from data alone: passages drawn for each turn that is played meanwhile",
        low=1e-3,
        high=1e9,
    )
    publish_every: int = option(1, "updates between two versions of the weights", low=1, high=100_000)
    checkpoint_every: int = option(100, "updates between two checkpoints", low=1, high=10**9)
    keep_checkpoints: int = option(3, "newest checkpoints that are kept", low=1, high=10**6)
    eval_episodes: int = option(
        100, "episodes of the evaluation at the end, each for both ways to speak; 0: none", low=0, high=1_000_000
    )


@dataclass(frozen=True)
class TextPlan:
    """What a run is to do.

    Attributes:
        config: parameters of the node.
        task_options: of the task, as they were given.
        learner: options of the plug-in, an instance of its ``config_type``.
        offline: bags, absolute paths.
    """

    config: TextLearnerConfig
    task_options: Mapping[str, Any]
    learner: Any
    offline: tuple[str, ...] = ()

    def identity(self) -> dict[str, Any]:
        """What makes it this run and no other."""
        c = self.config
        options = {f"{c.learner}.{name}": value for name, value in to_mapping(self.learner).items()}
        options |= {"offline": list(self.offline)} if self.offline else {"data": c.data}
        return {
            "task": c.task,
            "learner": c.learner,
            "seed": c.seed,
            "num_arms": 1,
            "options": options,
            "task_spec": {"task": c.task, "options": dict(self.task_options)},
        }


@dataclass(frozen=True)
class TextTies:
    """What binds a run to the node around it; all are called from the run's thread.

    Attributes:
        publish: sends new weights.
        say: a line for people.
        problem: what is wrong at present, "" when nothing is.
    """

    publish: Callable[[Weights], None]
    say: Callable[[str], None]
    problem: Callable[[str], None]
