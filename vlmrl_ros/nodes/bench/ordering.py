"""The rule by which the suite ``rlif`` says that its ordering holds, for every task alike."""

from __future__ import annotations

from collections.abc import Mapping

BETTER, TIED = 0.2, 0.1


def holds(score: Mapping[tuple[str, str], float], own: Mapping[str, float], ours: str = "rlif") -> bool:
    """RLIF passes each operator, beats HG-DAgger by 20 points with the weakest and is within 10 with the strongest.

    Args:
        score: of a method at a level, mean over seeds, 1 for 100 points.
        own: the operator's own at each level that was run, the weakest among them; of the strongest, who has hardly a
            failure, the lower end of the interval.
        ours: the method that is RLIF.
    """
    ahead = {level: score[ours, level] - score["hg_dagger", level] for level in own}
    passes = all(score[ours, level] > least for level, least in own.items())
    ties = "strong" not in own or abs(ahead["strong"]) <= TIED
    return passes and ties and ahead["weak"] >= BETTER
