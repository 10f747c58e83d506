"""What a transition is worth, and whose it is: the one place where learners differ in how they read a step.

A label is a pure function of a transition. Only its result is stored, so a learner cannot read what its label does not.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from vlmrl_ros.core.spec import FloatArray
from vlmrl_ros.core.types import Transition

Reward = Callable[[Transition], float]
Selection = Callable[[Transition], bool]
Target = Callable[[Transition], FloatArray | None]
"""The action to clone in the state before the transition, float32 (A,), units of the spec; None: nothing."""


def takeover_reward(transition: Transition) -> float:
    """-1 where the transition ended in a takeover, else 0; the task's reward and success are not read.

    The step that made a person take over is punished, not the person's own first step. Source: Luo et al., RLIF
    (ICLR 2024).
    """
    return -1.0 if transition.took_over else 0.0


def blame_of_ends(discount: float) -> Reward:
    """:func:`takeover_reward`; but -1 / (1 - discount) where the task ended, as if every step after it were taken over.

    Who has fallen must be picked up by a person. Ours; RLIF's authors leave ends out.
    """
    return lambda transition: -1.0 / (1.0 - discount) if ended(transition) else takeover_reward(transition)


def task_reward(transition: Transition) -> float:
    """The reward of the task for arriving where the transition ended."""
    return transition.after.feedback.reward


def ended(transition: Transition) -> bool:
    """The task ended with it; an episode that is cut off goes on in its value."""
    return transition.after.feedback.terminated


def demonstrated(transition: Transition) -> bool:
    """A person drove the whole episode, and it succeeded."""
    return transition.demonstration


def nobodys(transition: Transition) -> bool:
    """No transition is set apart: a person's steps share the memory of the policy's."""
    return False


def others_than(selection: Selection) -> Selection:
    """Whatever is not selected."""
    return lambda transition: not selection(transition)


def driven_by_person(transition: Transition) -> bool:
    """A person acted: a demonstration, or while in control after a takeover."""
    return transition.demonstration or transition.human


def not_demonstrated(transition: Transition) -> bool:
    """Lived online, whoever acted."""
    return not transition.demonstration


def stored_by_release(transition: Transition) -> bool:
    """What the code released with RLIF keeps: of a takeover the person's last step, of an episode all but the last one.

    So no value ends with a fall, after which nobody takes over any more; of a demonstration too. Source: Luo et al.,
    RLIF (ICLR 2024), released code.
    """
    if transition.after.feedback.last:
        return False
    return transition.demonstration or not (transition.human and transition.after.intervention.active)


def demonstrated_action(transition: Transition) -> FloatArray | None:
    """What a person did in a demonstration."""
    return transition.before.executed if demonstrated(transition) else None


def persons_action(transition: Transition) -> FloatArray | None:
    """What a person did, in a demonstration or while in control."""
    return transition.before.executed if driven_by_person(transition) else None


def anybodys_action(transition: Transition) -> FloatArray | None:
    """What was done, by whomever: the policy learns its own actions too."""
    return transition.before.executed


def advised_action(transition: Transition) -> FloatArray | None:
    """What a person did, or said that they would do while the policy acted."""
    advice = transition.before.intervention.advice
    return np.array(advice, np.float32) if advice else persons_action(transition)


def known_before(transition: Transition) -> bool:
    """Lived before the run, or demonstrated: known before the policy acted."""
    return transition.arm < 0 or transition.demonstration
