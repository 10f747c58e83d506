"""What a learner of text begins with: what it is told of its task, and the episodes that it is given."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

from vlmrl_ros.core.errors import BagError, ConfigError
from vlmrl_ros.core.text_episode import TextEpisode, TextGame
from vlmrl_ros.core.text_spec import TextSpec
from vlmrl_ros.core.text_training import TextLearner
from vlmrl_ros.nodes.text_plan import TextLearnerConfig, TextPlan
from vlmrl_ros.nodes.text_play import spec_of


def spec_and_data(plan: TextPlan, game: TextGame, say: Callable[[str], None]) -> tuple[TextSpec, list[TextEpisode]]:
    """What the learner is told of the task, which is built before anything else, and what it may learn from.

    Args:
        plan: of the run.
        game: its task.
        say: is told how much was found.

    Raises:
        VlmrlError: the task cannot be built, or no whole episode is in the bags.
    """
    task = game.build(plan.task_options)
    try:
        data = _data(plan, game)
        say(f"{len(data)} episodes of '{plan.config.task}' given")
        return spec_of(plan.config.task, task, data), data
    finally:
        task.close()


def check_source(config: TextLearnerConfig, learner: TextLearner, enough: bool) -> None:
    """See that there is something to learn from.

    Args:
        config: of the run.
        learner: who is to learn.
        enough: it has the data that it needs.

    Raises:
        ConfigError: there is nothing.
    """
    if not config.episodes and learner.wants is not None:
        raise ConfigError(f"learner '{config.learner}' learns from own episodes; episodes is 0, valid: 1 or more")
    if not enough:
        own = "" if learner.wants is None else f", or {config.learner}.cloning_updates: 0"
        raise ConfigError(f"learner '{config.learner}' begins with data; data is 0, valid: 1 or more{own}")


def _data(plan: TextPlan, game: TextGame) -> list[TextEpisode]:
    config = plan.config
    if plan.offline:
        from vlmrl_ros.bridge.bags.text import read_text_episodes  # loads rosbags

        found = [one for path in plan.offline for one in read_text_episodes(Path(path), config.task)]
        if not found:
            raise BagError(f"no whole episode of '{config.task}' in {', '.join(plan.offline)}")
        return found
    if not config.data:  # a game without data of its own is not asked for any
        return []
    return list(islice(game.episodes(plan.task_options, config.seed), config.data))
