"""What was lived before a run and is given to its learner at the beginning: demonstrations, or all that it learns from.

Goes the way of live steps: consecutive steps make transitions, and what is a demonstration is told in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from vlmrl_ros.core.chain import Chain, DemonstrationSieve
from vlmrl_ros.core.interfaces import Learner
from vlmrl_ros.core.training import Items, as_lived
from vlmrl_ros.core.types import Step


@dataclass(frozen=True)
class Preloaded:
    """What was found.

    Attributes:
        demonstrations: successful ones.
        demonstrations_failed: demonstrations that did not succeed.
        demonstration_transitions: transitions of the successful ones.
        other_transitions: all others; whether the learner has them depends on what was asked for.
    """

    demonstrations: int = 0
    demonstrations_failed: int = 0
    demonstration_transitions: int = 0
    other_transitions: int = 0


def preload(
    learner: Learner[Any], streams: Iterable[Iterable[Step]], everything: bool, items: Items = as_lived
) -> Preloaded:
    """Give a learner the transitions of steps that were lived before.

    Args:
        learner: that has not begun.
        streams: the steps of one arm of one run each, in order. An episode that is cut off in a person's hands is left
            out, because nobody knows what would have become of it.
        everything: all transitions, but of demonstrations that failed only where the learner's attribute
            ``learns_from_failures`` says so; otherwise demonstrations alone.
        items: makes what the learner takes.

    Returns:
        how much there was.
    """
    found, keeps_failed = Preloaded(), everything and getattr(learner, "learns_from_failures", False)
    for number, steps in enumerate(streams):
        # below the arms of the run itself, so that nothing is taken for the continuation of something else
        chain, sieve = Chain(arm=-1 - number), DemonstrationSieve(keeps_failed)
        shown = others = 0
        for transition in filter(None, map(chain.append, steps)):
            for settled in sieve.put(transition):
                shown += settled.demonstration
                others += not settled.demonstration
                if settled.demonstration or everything:
                    for item in items(settled):
                        learner.add(item)
        found = replace(
            found,
            demonstrations=found.demonstrations + sieve.demonstrations,
            demonstrations_failed=found.demonstrations_failed + sieve.failed,
            demonstration_transitions=found.demonstration_transitions + shown,
            other_transitions=found.other_transitions + others,
        )
    return found
