"""What a transition is worth, and whose it is: the one place where learners differ in how they read a step.

A label is a pure function of a transition. Only its result is stored, so a learner cannot read what its label does not.
"""

from __future__ import annotations

from collections.abc import Callable

from vlmrl_ros.core.types import Transition

Reward = Callable[[Transition], float]
Selection = Callable[[Transition], bool]


def takeover_reward(transition: Transition) -> float:
    """-1 where the transition ended in a takeover, else 0; the task's reward and success are not read.

    The step that made a person take over is punished, not the person's own first step. Source: Luo et al., RLIF
    (ICLR 2024).
    """
    return -1.0 if transition.took_over else 0.0


def task_reward(transition: Transition) -> float:
    """The reward of the task for arriving where the transition ended."""
    return transition.after.feedback.reward


def demonstrated(transition: Transition) -> bool:
    """A person drove the whole episode, and it succeeded."""
    return transition.demonstration


def nobodys(transition: Transition) -> bool:
    """No transition is set apart: a person's steps share the memory of the policy's."""
    return False


def driven_by_person(transition: Transition) -> bool:
    """A person acted: a demonstration, or while in control after a takeover."""
    return transition.demonstration or transition.human


def known_before(transition: Transition) -> bool:
    """Lived before the run, or demonstrated: known before the policy acted."""
    return transition.arm < 0 or transition.demonstration
