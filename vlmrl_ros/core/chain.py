"""Chain steps into transitions, and tell which of them are demonstrations."""

from __future__ import annotations

from dataclasses import replace

from vlmrl_ros.core.types import Feedback, Source, Step, Transition


def follows(before: Feedback, after: Feedback) -> bool:
    """The second step is the one that comes next after the first: in its episode, or as the start of the next one."""
    if before.last:
        return after.step == 0 and after.episode == before.episode + 1
    return after.step == before.step + 1 and after.episode == before.episode


class Chain:
    """Chains consecutive steps of one episode into transitions; a missing step breaks the chain and is counted."""

    def __init__(self, arm: int = 0) -> None:
        """Begin with no step seen.

        Args:
            arm: number of the arm whose steps these are.
        """
        self._arm = arm
        self.newest: Step | None = None
        """The step added last."""
        self.broken = 0
        """How often a step was missing within an episode."""

    def append(self, step: Step) -> Transition | None:
        """Add the next step; returns the transition that it ends, or None at the first step and after a gap."""
        before, self.newest = self.newest, step
        if before is None:
            return None
        if not follows(before.feedback, step.feedback):
            self.broken += 1
            return None
        return None if before.feedback.last else Transition(before, step, arm=self._arm)


class DemonstrationSieve:
    """Tells demonstrations from takeovers.

    A demonstration is an episode in which nobody but a person acts, to its end, and that succeeds. It begins with the
    person's first step: before it the arm stood still. Its transitions are held until the episode's end shows which it
    is; when the policy acts, or a step is missing, they pass on as ordinary ones. A demonstration that fails is counted
    and dropped, or passes on as ordinary.
    """

    def __init__(self, keeps_failed: bool = False) -> None:
        """Begin with nothing held.

        Args:
            keeps_failed: what fails passes on; otherwise it is dropped.
        """
        self._keeps_failed = keeps_failed
        self.held: list[Transition] = []
        """Consecutive transitions whose kind is not settled."""
        self.demonstrations = 0
        """Successful demonstrations."""
        self.failed = 0
        """Demonstrations that did not succeed."""

    def put(self, transition: Transition) -> list[Transition]:
        """Add the next transition; returns those whose kind is settled, in order."""
        follows = bool(self.held) and self.held[-1].after.stamp_ns == transition.before.stamp_ns
        released = [] if follows else self._release()
        by_policy = transition.before.intervention.source is Source.POLICY
        if by_policy or not (follows or transition.before.feedback.step == 0):
            return [*released, *self._release(), transition]
        self.held.append(transition)
        if not transition.after.feedback.last:
            return released
        return [*released, *self._settle(transition.after.feedback.success)]

    def _release(self) -> list[Transition]:
        held, self.held = self.held, []
        return held

    def _settle(self, success: bool) -> list[Transition]:
        held = self._release()
        first = next((index for index, transition in enumerate(held) if transition.human), None)
        if first is None:
            return held
        if success:
            self.demonstrations += 1
            return [*held[:first], *(replace(transition, demonstration=True) for transition in held[first:])]
        self.failed += 1
        return held if self._keeps_failed else []
