"""A text task of anybody's, by its name; what a learner of turns is told of it; who shows how answers look."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from vlmrl_ros.core.errors import ConfigError, PluginError
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.side_by_side import SideBySide, alone, training_seeds
from vlmrl_ros.core.spoken import Utterance
from vlmrl_ros.core.text import TaughtTask, TextTask, TextTaskSpec

EXAMPLES = 200
"""Turns of the episodes from which the vocabulary of a model is made that is built on the spot."""
MEMBERS = ("system_prompt", "legal_actions", "reset", "step", "close")
_NO_IDS, _NO_LOG_PROBS = np.zeros(0, np.int64), np.zeros(0, np.float32)


def maker(name: str) -> Callable[[], TextTask]:
    """What makes a task.

    Args:
        name: ``<module>:<class>``, or a function of no arguments in its place; modules of the working directory are
            found, too.

    Raises:
        ConfigError: not of that form, or what it makes is no text task.
        PluginError: no such module or class, or it fails.
    """
    module, colon, attribute = name.partition(":")
    if not (module and colon and attribute):
        raise ConfigError(f"task is '{name}'; valid: <module>:<class>, such as my_task:Guess for Guess in my_task.py")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        make = getattr(importlib.import_module(module), attribute)
        task = make()
    except Exception as error:
        raise PluginError(f"task '{name}' cannot be made: {error!r}") from error
    lacking = [member for member in MEMBERS if not hasattr(task, member)]
    if lacking:
        raise ConfigError(f"task '{name}' lacks {', '.join(lacking)}; a text task has {', '.join(MEMBERS)}")
    task.close()
    return cast(Callable[[], TextTask], make)


class Shown:
    """Speaks in the place of a model: as who knows the task says, else any legal action, so that its form is seen."""

    def __init__(self, name: str, rng: np.random.Generator) -> None:
        """Take the name of the task, for complaints, and the source of chance."""
        self._name, self._rng = name, rng

    def __call__(self, tasks: Sequence[TextTask]) -> list[Utterance]:
        """An answer to what is asked in each task; no model has said it.

        Raises:
            ConfigError: nobody knows what may be said.
        """
        return [Utterance(self._say(task), _NO_IDS, _NO_IDS, _NO_LOG_PROBS, ended=True) for task in tasks]

    def _say(self, task: TextTask) -> str:
        if hasattr(task, "demonstrate"):
            return cast(TaughtTask, task).demonstrate()
        if not task.legal_actions:
            raise ConfigError(f"task '{self._name}' lists no legal actions, so it has to show answers: demonstrate()")
        return answer(None, task.legal_actions[self._rng.integers(len(task.legal_actions))])


def told(name: str, task: TextTask) -> TextTaskSpec:
    """What a learner is told of a task, by episodes that are the same for all of its runs.

    Args:
        name: of the task.
        task: plays them.
    """
    knows = hasattr(task, "demonstrate") or bool(task.legal_actions)
    shown, table = Shown(name, np.random.default_rng(0)), SideBySide([task], training_seeds(0))
    legal, texts = [tuple(task.legal_actions)], dict.fromkeys([table.observations[0].text])
    while knows and len(legal) < EXAMPLES:
        (said,) = shown(table.tasks)
        table.carry_out([said.text], alone)
        texts |= dict.fromkeys((said.text, table.observations[0].text))
        legal.append(tuple(task.legal_actions))
    return TextTaskSpec(name, legal[0] if len(set(legal)) == 1 else (), tuple(texts))
