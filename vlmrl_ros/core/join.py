"""Join the parts of a step by stamp. Live topics and bags go through the same code."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any

from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.spoken import SpokenJoin
from vlmrl_ros.core.types import Feedback, Intervention, Step

STEP_PARTS = ("state", "feedback", "policy_action", "command", "intervention", "executed")
"""Parts of a step besides one part for each camera, which bears the camera's name."""
SPOKEN, SPOKEN_AGE = "spoken", "spoken_age"
"""Where a policy thinks and is listened to: what it says, which is no part of one step alone, and the part of each step
that names the utterance that it carries out, by the age of its observation, ns; below 0: none."""
HORIZON_NS = 60_000_000_000
"""A stamp so far after the newest record is not believed on the word of one; longer than most resets of an arm."""
CONVINCING = 3
"""Complete records beyond the horizon that show that time has jumped."""
MOST_AHEAD = 8
"""Records beyond the horizon that are kept."""
QUIET_S, UNHEARD_S = 8.0, 20.0
"""After so long without any part, one that is missing will not come any more: longer than twice the 3 s after which
Fast DDS says again what it has sent, for then it sends again what was lost, and that may be lost too. The longer time
while a part has never been heard at all: whoever sends it has not been found yet, and will send what it keeps."""


class PartJoin:
    """Collects the parts that bear one stamp and hands complete records out in order of stamp.

    Every topic keeps its order. So when a record is complete, what an older one still lacks was lost for good: the
    older ones are dropped and counted. A stamp that was handed out or dropped is never opened again, so repeated
    messages do no harm.

    Nor do stamps that nobody else uses, which a stranger or a clock that jumps may send. They hold nothing back; when
    more than ``window`` incomplete records are open, those of a single part go first; and what lies more than
    :data:`HORIZON_NS` ahead is kept apart until :data:`CONVINCING` records are complete there while none is here. Then
    time has really jumped, and they are handed out.
    """

    def __init__(self, parts: Sequence[str], window: int = 32, after_ns: int = -1) -> None:
        """Name the parts.

        Args:
            parts: every part that a complete record has.
            window: how many incomplete records may be open.
            after_ns: stamps up to this one count as handed out, also after :meth:`reset`.

        Raises:
            ConfigError: no parts, or a window below 1.
        """
        if not parts or window < 1:
            raise ConfigError(f"a join needs parts and a window of 1 or more; got {tuple(parts)} and {window}")
        self._parts = frozenset(parts)
        self._window = window
        self._open: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._ahead: OrderedDict[int, dict[str, Any]] = OrderedDict()
        self._newest_closed_ns = -1
        self._after_ns = after_ns
        self._unheard = set(parts)
        self.dropped = 0
        """Records given up because a part never came."""
        self.late = 0
        """Parts that came after their record was closed, or a second time."""
        self.strayed = 0
        """Parts whose stamp lay beyond the horizon."""

    @property
    def patience_s(self) -> float:
        """After so long without any part it is time to :meth:`give_up`, s."""
        return UNHEARD_S if self._unheard else QUIET_S

    @property
    def waiting(self) -> int:
        """Parts of records that are open."""
        return sum(len(record) for records in (self._open, self._ahead) for record in records.values())

    def expects(self, stamp_ns: int) -> bool:
        """Whether a record of this stamp may be the next: neither closed before nor beyond the horizon."""
        return stamp_ns > max(self._newest_closed_ns, self._after_ns) and not self._is_far(stamp_ns)

    def put(self, stamp_ns: int, part: str, value: Any) -> list[tuple[int, dict[str, Any]]]:
        """Add one part; returns the records that are complete now, oldest first.

        Args:
            stamp_ns: stamp of the observation that the part belongs to, ns.
            part: its name, one of those given at construction.
            value: anything.

        Returns:
            (stamp_ns, parts by name) each.
        """
        self._unheard.discard(part)
        if stamp_ns <= max(self._newest_closed_ns, self._after_ns):
            self.late += 1
            return []
        far = self._is_far(stamp_ns)
        self.strayed += far
        record = self._add(self._ahead if far else self._open, stamp_ns, part, value)
        if record.keys() < self._parts:
            return []
        return self._jump() if far else [(stamp_ns, self._close(stamp_ns))]

    def give_up(self, last_part: str) -> list[int]:
        """Drop the open records that have their last part and still lack another, which will not come any more.

        What has come without any other part belongs to no record of ours and is left alone.

        Args:
            last_part: the part that is sent when all others have been.

        Returns:
            the stamps of the records dropped, ns, oldest first.
        """
        given_up = sorted(stamp for stamp, record in self._open.items() if last_part in record and len(record) > 1)
        for stamp_ns in given_up:
            self._close(stamp_ns)
        self.dropped += len(given_up)
        return given_up

    def reset(self) -> None:
        """Forget everything that is open, for example when time jumped back."""
        self._open.clear()
        self._ahead.clear()
        self._newest_closed_ns = -1

    def _is_far(self, stamp_ns: int) -> bool:
        return self._newest_closed_ns >= 0 and stamp_ns > self._newest_closed_ns + HORIZON_NS

    def _add(self, records: OrderedDict[int, dict[str, Any]], stamp_ns: int, part: str, value: Any) -> dict[str, Any]:
        """Add to a record, which is the newest of the table then; makes room where it opens one too many."""
        record = records.setdefault(stamp_ns, {})
        records.move_to_end(stamp_ns)
        self.late += part in record
        record[part] = value
        if len(records) > (self._window if records is self._open else MOST_AHEAD):
            others = [stamp for stamp in records if stamp != stamp_ns]
            alone = (stamp for stamp in others if len(records[stamp]) == 1)
            del records[next(alone, others[0])]
            self.dropped += records is self._open
        return record

    def _close(self, stamp_ns: int) -> dict[str, Any]:
        """Take a record out; nothing up to its stamp is expected any more, nor is a jump of time."""
        record = self._open.pop(stamp_ns)
        older = [stamp for stamp in self._open if stamp < stamp_ns]
        for stamp in older:
            del self._open[stamp]
        self.dropped += len(older)
        self._newest_closed_ns = stamp_ns
        self._ahead.clear()
        return record

    def _jump(self) -> list[tuple[int, dict[str, Any]]]:
        """Follow a jump of time once it is convincing."""
        complete = sorted(stamp for stamp, record in self._ahead.items() if record.keys() >= self._parts)
        if len(complete) < CONVINCING:
            return []
        self.dropped += len(self._open)
        self._open, self._ahead = self._ahead, OrderedDict()
        self._newest_closed_ns = -1
        return [(stamp, self._close(stamp)) for stamp in complete]


class StepJoin:
    """Joins the parts of :data:`STEP_PARTS` and the camera frames into :class:`Step` records."""

    def __init__(
        self, cameras: Sequence[str] = (), window: int = 32, after_ns: int = -1, listens: bool = False
    ) -> None:
        """Name the cameras whose frames belong to a step.

        Args:
            cameras: their names.
            window: as in :class:`PartJoin`; enough for a node that takes the place of a dead one to be found.
            after_ns: as in :class:`PartJoin`: what came up to here is known already.
            listens: each step also has what the policy said, see :data:`SPOKEN`.
        """
        self._cameras = tuple(cameras)
        self._spoken = SpokenJoin() if listens else None
        self._join = PartJoin((*STEP_PARTS, *cameras, *((SPOKEN_AGE,) if listens else ())), window, after_ns)

    @property
    def unspoken(self) -> int:
        """Steps whose utterance was lost."""
        return self._spoken.lost if self._spoken is not None else 0

    @property
    def dropped(self) -> int:
        """Steps given up because a part never came."""
        return self._join.dropped

    @property
    def late(self) -> int:
        """Parts that came after their step was closed, or a second time."""
        return self._join.late

    @property
    def strayed(self) -> int:
        """Parts whose stamp lay beyond the horizon."""
        return self._join.strayed

    @property
    def patience_s(self) -> float:
        """As in :class:`PartJoin`."""
        return self._join.patience_s

    def reset(self) -> None:
        """Forget everything that is open, for example when time jumped back."""
        self._join.reset()
        if self._spoken is not None:
            self._spoken.reset()

    def give_up(self) -> list[int]:
        """Drop the open steps that the bridge has left behind; returns their stamps, ns."""
        return self._join.give_up("executed")

    def settle(self) -> list[Step]:
        """The steps that wait for what the policy said, which will not come any more."""
        return self._spoken.give_up() if self._spoken is not None else []

    def put(self, stamp_ns: int, part: str, value: Any) -> list[Step]:
        """Add one part, or what the policy said; returns the steps that are complete now, oldest first."""
        if self._spoken is not None and part == SPOKEN:
            return self._spoken.hear(value)
        whole = ((self._step(stamp, parts), parts) for stamp, parts in self._join.put(stamp_ns, part, value))
        if self._spoken is None:
            return [step for step, _ in whole]
        return [ready for step, parts in whole for ready in self._spoken.put(step, parts[SPOKEN_AGE])]

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
