"""What a run has lived through, from its bags: after the newest checkpoint, and before it what no checkpoint holds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from heapq import merge
from itertools import repeat

from vlmrl_ros.core.chain import Chain, DemonstrationSieve
from vlmrl_ros.core.training import Training
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.experience import Experience
from vlmrl_ros.nodes.given import take_in
from vlmrl_ros.nodes.plan import Plan, Ties

FIRST_NS = -1
"""Before every step."""


def lived(ties: Ties, after_ns: Mapping[int, int]) -> Iterator[tuple[int, Step]]:
    """Steps in the bags, with their arm: by stamp, and where those are equal, in the order of arms.

    Args:
        ties: to the bags.
        after_ns: arm to the stamp after which its steps are wanted, ns.
    """
    streams = [zip(repeat(arm), ties.lived(arm, stamp_ns), strict=False) for arm, stamp_ns in after_ns.items()]
    return merge(*streams, key=lambda one: (one[1].stamp_ns, one[0]))


def recall(plan: Plan, training: Training, experience: Experience, ties: Ties) -> None:
    """Give a learner that was restored what it was given, and what was said before its checkpoint, if the bags have it.

    The learner has again what it remembered, in the same order; steps of episodes under way have what the policy said
    in them, and a turn that was open is.

    Args:
        plan: of the run.
        training: as the checkpoint has it.
        experience: knows the version of that moment.
        ties: to the bags.

    Raises:
        BagError: a damaged bag.
    """
    take_in(plan, training.learner, ties, experience)
    newest_ns = {arm: one.newest.stamp_ns for arm, one in enumerate(training.chains) if one.newest is not None}
    chains = {arm: Chain(arm) for arm in newest_ns}
    sieves = {arm: DemonstrationSieve() for arm in newest_ns}
    for arm, step in lived(ties, dict.fromkeys(newest_ns, FIRST_NS)):
        if step.stamp_ns > max(newest_ns.values()):
            break
        if step.stamp_ns <= newest_ns[arm] and (transition := chains[arm].append(step)) is not None:
            for settled in sieves[arm].put(transition):
                for item in experience.recall(settled):
                    training.learner.add(item)
    for arm, chain in chains.items():
        if chain.newest is not None and chain.newest.stamp_ns == newest_ns[arm]:
            training.chains[arm].newest, training.sieves[arm].held = chain.newest, sieves[arm].held
