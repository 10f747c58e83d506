"""From the transitions of the loop to turns: an utterance, what it was about, and what came of it."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from vlmrl_ros.core.invalid import NO_OP, ends, penalty
from vlmrl_ros.core.spoken import KEPT, Spoken
from vlmrl_ros.core.text import TextObservation
from vlmrl_ros.core.turn import Turn
from vlmrl_ros.core.types import Observation, Source, Step, Transition


@dataclass
class _Open:
    """An utterance whose turn is not over."""

    spoken: Spoken
    observation: TextObservation
    newest: Step
    reward: float = 0.0
    taken_over: bool = False


@dataclass
class _Arm:
    open: _Open | None = None
    last_ns: int = -1
    """Stamp of the newest utterance that has had its turn."""
    recent: deque[Step] = field(default_factory=lambda: deque(maxlen=KEPT))
    """Steps that an utterance to come may be about."""


class Turns:
    """Makes turns of the transitions of one or more arms.

    A turn begins with the first step at which the policy drives the arm by an utterance, and lasts until the next one
    begins, the episode ends, or a step is missing. What a person does after a takeover, and steps at which nothing was
    said in time, lie within the turn before them; but only for the transitions that the utterance itself has driven is
    it rewarded. So a takeover penalises the utterance that it cuts short, and an utterance that never moved the arm,
    because it came too late or a person was driving, has no turn.

    Where a step is missing the turn counts as truncated: what came next is not known, and is valued.

    What a text without an action costs, and whether it ends the episode, is as in :mod:`vlmrl_ros.core.invalid`.
    """

    def __init__(self, cameras: Sequence[str], reward: Callable[[Transition], float], invalid: str = NO_OP) -> None:
        """Begin with nothing said.

        Args:
            cameras: names of those whose pictures the policy was shown, in order.
            reward: of a transition.
            invalid: what becomes of a text that names no action.
        """
        self._cameras, self._reward, self._invalid = tuple(cameras), reward, invalid
        self._arms: dict[int, _Arm] = defaultdict(_Arm)
        self.blind = 0
        """Utterances without a turn because what they are about is not known any more."""

    def __call__(self, transition: Transition) -> list[Turn]:
        """Take the next transition of an arm; returns the turns that it ends."""
        arm, before = self._arms[transition.arm], transition.before
        found = []
        if arm.open is not None and arm.open.newest.stamp_ns != before.stamp_ns:
            found.append(self._close(arm, arm.open.newest, transition.arm, cut=True))
        if arm.recent and before.stamp_ns <= arm.recent[-1].stamp_ns:
            arm.recent.clear()  # the bridge has begun anew
        arm.recent.append(before)
        spoken = _driving(before)
        if spoken is not None and spoken.stamp_ns != arm.last_ns:
            if arm.open is not None:
                found.append(self._close(arm, before, transition.arm))
            self._begin(arm, spoken)
        if arm.open is not None:
            if spoken is not None and spoken.stamp_ns == arm.open.spoken.stamp_ns:
                arm.open.reward += self._reward(transition)
                arm.open.taken_over |= transition.took_over
            arm.open.newest = transition.after
            following = _driving(transition.after)
            another = following is not None and following.stamp_ns != arm.last_ns
            if another or transition.after.feedback.last:
                found.append(self._close(arm, transition.after, transition.arm))
        return found

    def _begin(self, arm: _Arm, spoken: Spoken) -> None:
        """Open the turn of an utterance, where it is known what that is about."""
        arm.last_ns = spoken.stamp_ns
        while arm.recent and arm.recent[0].stamp_ns < spoken.stamp_ns:
            arm.recent.popleft()
        if not arm.recent or arm.recent[0].stamp_ns != spoken.stamp_ns:
            self.blind += 1
            return
        about = arm.recent[0]
        arm.open = _Open(spoken, self._seen(spoken.prompt, about.observation), about)

    def _close(self, arm: _Arm, after: Step, number: int, cut: bool = False) -> Turn:
        """End the open turn with what was seen then; cut: what came next is not known."""
        turn, arm.open = arm.open, None
        assert turn is not None
        ended, said = after.feedback, turn.spoken.said
        terminated = (ended.terminated and not cut) or ends(said, self._invalid)
        return Turn(
            observation=turn.observation,
            utterance=turn.spoken.utterance,
            said=said,
            reward=turn.reward + penalty(said, self._invalid),
            terminated=terminated,
            truncated=not terminated and (cut or ended.truncated),
            after=self._seen(turn.spoken.prompt, after.observation),
            anchor=turn.observation.key,
            arm=number,
            version=turn.spoken.version,
            taken_over=turn.taken_over,
            success=ended.success,
        )

    def _seen(self, prompt: str, observation: Observation) -> TextObservation:
        return TextObservation(prompt, tuple(observation[name] for name in self._cameras))


def _driving(step: Step) -> Spoken | None:
    """The utterance by which the policy drives the arm from a step on, if it does."""
    return step.spoken if step.intervention.source is Source.POLICY else None
