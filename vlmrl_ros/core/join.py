"""Join the parts of a step by stamp, and steps into transitions. Live topics and bags go through the same code."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.types import Feedback, Intervention, Step, Transition

STEP_PARTS = ("state", "feedback", "policy_action", "command", "intervention", "executed")
"""Parts of a step besides one part for each camera, which bears the camera's name."""


class PartJoin:
    """Collects the parts that bear one stamp and hands complete records out in order of stamp.

    An incomplete record holds back the complete ones after it until ``window`` newer stamps have been seen; then it is
    dropped and counted. A stamp that was handed out or dropped is never opened again, so repeated messages do no harm.
    """

    def __init__(self, parts: Sequence[str], window: int = 8) -> None:
        """Name the parts.

        Args:
            parts: every part that a complete record has.
            window: how many newer stamps an incomplete record may wait for.

        Raises:
            ConfigError: no parts, or a window below 1.
        """
        if not parts or window < 1:
            raise ConfigError(f"a join needs parts and a window of 1 or more; got {tuple(parts)} and {window}")
        self._parts = frozenset(parts)
        self._window = window
        self._open: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._newest_closed_ns = -1
        self.dropped = 0
        """Records given up because a part never came."""
        self.late = 0
        """Parts that came after their record was closed, or a second time."""

    def put(self, stamp_ns: int, part: str, value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        """Add one part; yields the records that are complete now, oldest first.

        Args:
            stamp_ns: stamp of the observation that the part belongs to, ns.
            part: its name, one of those given at construction.
            value: anything.

        Yields:
            (stamp_ns, parts by name).
        """
        if stamp_ns <= self._newest_closed_ns:
            self.late += 1
            return
        record = self._open.get(stamp_ns)
        if record is None:
            record = self._open[stamp_ns] = {}
            self._sort_if_needed(stamp_ns)
        if part in record:
            self.late += 1
        record[part] = value
        yield from self._release()

    def give_up(self, last_part: str) -> list[int]:
        """Drop the oldest open records that have their last part and still lack another, which will not come any more.

        Args:
            last_part: the part that is sent when all others have been.

        Returns:
            the stamps of the records dropped, ns.
        """
        given_up = []
        while self._open and last_part in (record := next(iter(self._open.values()))) and record.keys() < self._parts:
            self._newest_closed_ns, _ = self._open.popitem(last=False)
            given_up.append(self._newest_closed_ns)
        self.dropped += len(given_up)
        return given_up

    def reset(self) -> None:
        """Forget everything that is open, for example when time jumped back."""
        self._open.clear()
        self._newest_closed_ns = -1

    def _sort_if_needed(self, stamp_ns: int) -> None:
        if len(self._open) > 1 and stamp_ns < max(self._open):
            self._open = OrderedDict(sorted(self._open.items()))

    def _release(self) -> Iterator[tuple[int, dict[str, Any]]]:
        while self._open:
            stamp_ns, record = next(iter(self._open.items()))
            if record.keys() >= self._parts:
                del self._open[stamp_ns]
                self._newest_closed_ns = stamp_ns
                yield stamp_ns, record
            elif len(self._open) > self._window:
                del self._open[stamp_ns]
                self._newest_closed_ns = stamp_ns
                self.dropped += 1
            else:
                return


class StepJoin:
    """Joins the parts of :data:`STEP_PARTS` and the camera frames into :class:`Step` records."""

    def __init__(self, cameras: Sequence[str] = (), window: int = 32) -> None:
        """Name the cameras whose frames belong to a step.

        Args:
            cameras: their names.
            window: as in :class:`PartJoin`; long enough for a node that takes the place of a dead one to be found.
        """
        self._cameras = tuple(cameras)
        self._join = PartJoin((*STEP_PARTS, *cameras), window)

    @property
    def dropped(self) -> int:
        """Steps given up because a part never came."""
        return self._join.dropped

    def reset(self) -> None:
        """Forget everything that is open, for example when time jumped back."""
        self._join.reset()

    def give_up(self) -> list[int]:
        """Drop the oldest open steps that the bridge has left behind; returns their stamps, ns."""
        return self._join.give_up("executed")

    def put(self, stamp_ns: int, part: str, value: Any) -> list[Step]:
        """Add one part; returns the steps that are complete now, oldest first."""
        return [self._step(stamp, parts) for stamp, parts in self._join.put(stamp_ns, part, value)]

    def _step(self, stamp_ns: int, parts: Mapping[str, Any]) -> Step:
        feedback: Feedback = parts["feedback"]
        intervention: Intervention = parts["intervention"]
        observation = {"state": parts["state"], **{camera: parts[camera] for camera in self._cameras}}
        return Step(
            stamp_ns=stamp_ns,
            observation=observation,
            feedback=feedback,
            policy_action=parts["policy_action"],
            command=parts["command"],
            executed=parts["executed"],
            intervention=intervention,
        )


class Chain:
    """Chains consecutive steps of one episode into transitions; a missing step breaks the chain and is counted."""

    def __init__(self) -> None:
        """Begin with no step seen."""
        self.newest: Step | None = None
        """The step added last."""
        self.broken = 0
        """How often a step was missing within an episode."""

    def append(self, step: Step) -> Transition | None:
        """Add the next step; returns the transition that it ends, or None at the first step and after a gap."""
        before, self.newest = self.newest, step
        if before is None:
            return None
        ended = before.feedback.last
        same = step.feedback.episode == before.feedback.episode
        if same and not ended and step.feedback.step == before.feedback.step + 1:
            return Transition(before, step)
        starts = step.feedback.step == 0 and step.feedback.episode == before.feedback.episode + 1
        if not (ended and starts):
            self.broken += 1
        return None


class DemonstrationSieve:
    """Tells demonstrations from takeovers.

    A demonstration is an episode that a person drives from its first step to its last and that succeeds. Its
    transitions are held until the episode's end shows which it is; when the person gives back earlier, or a step is
    missing, they pass on as ordinary ones. A demonstration that fails is dropped and counted.
    """

    def __init__(self) -> None:
        """Begin with nothing held."""
        self.held: list[Transition] = []
        """Consecutive transitions whose kind is not settled."""
        self.demonstrations = 0
        """Successful demonstrations."""
        self.failed = 0
        """Demonstrations dropped because they did not succeed."""

    def put(self, transition: Transition) -> list[Transition]:
        """Add the next transition; returns those whose kind is settled, in order."""
        follows = bool(self.held) and self.held[-1].after.stamp_ns == transition.before.stamp_ns
        released = [] if follows else self._release()
        if not transition.human or not (follows or transition.before.feedback.step == 0):
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
        if success:
            self.demonstrations += 1
            return [Transition(t.before, t.after, demonstration=True) for t in held]
        self.failed += 1
        return []
