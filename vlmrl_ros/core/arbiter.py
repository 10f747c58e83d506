"""Who acts: the person, the policy or nobody. Pure; the teleop node only feeds it messages and clocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from vlmrl_ros.core.arbiter_config import ArbiterConfig
from vlmrl_ros.core.errors import NonFiniteError, ShapeError
from vlmrl_ros.core.spec import FloatArray, VectorSpec
from vlmrl_ros.core.types import Intervention, Mark, Source


@dataclass(frozen=True)
class HumanInput:
    """One joystick reading in the terms of the task.

    Attributes:
        takeover: the takeover button is pressed (or the device is moved, where the profile says so).
        action: where the person steers, float32 (A,), units of ``TaskSpec.action``.
        mark: the mark whose button is pressed.
        estop: the e-stop button is pressed.
        advises: the advice button is pressed: the action is what they would do while they let the policy act.
    """

    takeover: bool
    action: FloatArray
    mark: Mark = Mark.NONE
    estop: bool = False
    advises: bool = False


@dataclass(frozen=True)
class Decision:
    """What teleop says of one step.

    Attributes:
        command: float32 (A,), units of ``TaskSpec.action``; zeros when stopped.
        mark: the mark pressed since the last step.
        intervention: who acts and whether this is a takeover.
        reason: why the arm is stopped, for the operator; empty otherwise.
    """

    command: FloatArray
    mark: Mark
    intervention: Intervention
    reason: str = ""


class Arbiter:
    """Decides, step by step, whose action becomes the command.

    Readings arrive with :meth:`hear`, at the joystick's own rate; steps are answered by :meth:`step`. So a press
    shorter than a control step still counts as a toggle, a mark or an e-stop.

    Rules, first match wins:
        1. E-stop, latched until :meth:`release_estop`: stopped.
        2. The joystick was lost while a person held control: stopped until a live one shows the takeover released, so
           that a reconnected device does not make the arm jump. The same holds after an e-stop.
        3. A person holds control: their action, or stopped while their joystick is late. Held control outlasts the end
           of an episode.
        4. ``require_joy`` and no live joystick: stopped. Without it the policy goes on while nobody holds control.
        5. Re-entry delay: stopped. Nobody acts, so nothing is recorded as the person's or the policy's doing.
        6. No policy that acts, as for demonstrations (``policy_acts``): stopped.
        7. No finite action of the right size from the policy: stopped; it recovers with the next good one.
        8. The policy.

    A takeover (``edge``) is the passing of control from the policy to a person: it says that the policy's last action
    was wrong. So it needs a step before, in the same episode, at which the policy acted: neither a demonstration that
    begins with its episode nor a grip renewed out of a standstill is one.

    Between two steps :meth:`withdraw` takes back what must not stand until the next one.
    """

    def __init__(self, action: VectorSpec, control_dt_s: float, config: ArbiterConfig | None = None) -> None:
        """Begin with nobody in control.

        Args:
            action: the spec of the command.
            control_dt_s: length of a control step, s.
            config: how control changes hands.
        """
        self._spec = action
        self._config = config or ArbiterConfig()
        self._late_s = max(self._config.joy_late_steps * control_dt_s, self._config.joy_late_s)
        self._given: Decision | None = None
        self._human = HumanInput(False, np.zeros(action.size, np.float32))
        self._heard_ns: int | None = None
        self._held = False
        self._held_stamp_ns: int | None = None
        self._mark = Mark.NONE
        self._source = Source.STOPPED
        self._blocked = ""
        self._estop = ""

    @property
    def estopped(self) -> bool:
        """The e-stop is latched."""
        return bool(self._estop)

    @property
    def held(self) -> bool:
        """A person holds control."""
        return self._held

    def hear(self, human: HumanInput, now_ns: int) -> None:
        """Take one joystick reading.

        Args:
            human: the reading.
            now_ns: time of reception on a steady clock, ns. Where the joystick keeps step with a simulation, the
                stamp of the step: then a pause of the simulation is no silence of the joystick.

        Raises:
            ShapeError: the action has another size than the spec.
            NonFiniteError: the action is not finite. After either error, :meth:`lose` the joystick.
        """
        self._spec.check(human.action, "joystick action")
        self._watch(now_ns)
        before, self._human, self._heard_ns = self._human, human, now_ns
        if human.estop:
            self.estop("e-stop button")
        if human.mark not in (Mark.NONE, before.mark):
            self._mark = human.mark
        if not human.takeover:
            self._blocked = ""
        if self._blocked or self.estopped:
            self._held = False
        elif self._config.mode == "hold":
            self._held = human.takeover
        elif human.takeover and not before.takeover:
            self._held = not self._held

    def lose(self, reason: str) -> None:
        """The joystick is gone or talks nonsense: whoever held control loses it now.

        Args:
            reason: what happened, for the operator.
        """
        self._heard_ns = None
        if self._held:
            self._held = False
            self._blocked = f"{reason} while held; release the takeover to go on"

    def estop(self, reason: str) -> None:
        """Stop until :meth:`release_estop`.

        Args:
            reason: who asked for it, for the operator.
        """
        self._estop = self._estop or reason
        self._held = False

    def release_estop(self) -> None:
        """Lift the e-stop; a takeover that is pressed now counts only after a release."""
        if self.estopped and self._human.takeover:
            self._blocked = "release the takeover to go on after the e-stop"
        self._estop = ""

    def step(self, stamp_ns: int, policy_action: FloatArray | None, now_ns: int, first: bool = False) -> Decision:
        """Decide one step.

        Args:
            stamp_ns: stamp of the observation, ns; the clock of the re-entry delay.
            policy_action: the policy's proposal, float32 (A,); None when it is silent.
            now_ns: steady clock, ns, as in :meth:`hear`.
            first: the observation is the first of an episode. A mark pressed before it was about the last episode and
                is dropped.

        Returns:
            the command for this step and who gave it.
        """
        self._watch(now_ns)
        if first:
            self._source, self._mark, self._held_stamp_ns = Source.STOPPED, Mark.NONE, None
        source, command, reason = self._choose(stamp_ns, policy_action, now_ns)
        if source is Source.HUMAN:
            self._held_stamp_ns = stamp_ns
        edge = source is Source.HUMAN and self._source is Source.POLICY
        advises = source is Source.POLICY and self._human.advises and not self._lateness(now_ns)
        advice = tuple(self._human.action.tolist()) if advises else ()
        intervention = Intervention(source is Source.HUMAN, edge, -1.0 if edge else 0.0, source, advice)
        self._given = Decision(command, self._mark, intervention, reason)
        self._source, self._mark = source, Mark.NONE
        return self._given

    def guide(self, now_ns: int) -> Decision:
        """What becomes of an arm that is being reset by hand: a person moves it while they hold control, nobody else.

        Args:
            now_ns: steady clock, ns, as in :meth:`hear`.

        Returns:
            the person's action, or zeros, and the mark that they pressed since the last call. It is no intervention.
        """
        self._watch(now_ns)
        reason = self._estop or self._blocked or (self._lateness(now_ns) if self._held else "nobody holds the takeover")
        command = np.zeros(self._spec.size, np.float32) if reason else np.asarray(self._human.action, np.float32)
        mark, self._mark = self._mark, Mark.NONE
        return Decision(command, mark, Intervention(False, False, 0.0, Source.STOPPED), reason)

    def withdraw(self, now_ns: int) -> Decision | None:
        """Take back the command of the newest step where it must not stand: after an e-stop, or without its joystick.

        Args:
            now_ns: steady clock, ns, as in :meth:`hear`.

        Returns:
            the decision that replaces the one given, which keeps its mark and, if it was a takeover, that it was one;
            None where it stands.
        """
        self._watch(now_ns)
        given, reason = self._given, self._estop
        if not reason and (self._source is Source.HUMAN or self._config.require_joy):
            reason = self._blocked or self._lateness(now_ns)
        if given is None or self._source is Source.STOPPED or not reason:
            return None
        stopped = Intervention(False, False, 0.0, Source.STOPPED)
        self._source, self._given = Source.STOPPED, None
        said = given.intervention if given.intervention.edge else stopped
        return Decision(np.zeros(self._spec.size, np.float32), given.mark, said, reason)

    def _choose(self, stamp_ns: int, policy_action: FloatArray | None, now_ns: int) -> tuple[Source, FloatArray, str]:
        late = self._lateness(now_ns)
        if self._held and not late:
            return Source.HUMAN, np.asarray(self._human.action, np.float32), ""
        reason = self._estop or self._blocked
        if not reason and (self._held or self._config.require_joy):
            reason = late
        if not reason and self._delayed(stamp_ns):
            reason = f"the policy re-enters {self._config.reentry_delay_s:g} s after the release"
        if not reason and not self._config.policy_acts:
            reason = "nobody holds control"
        if not reason and policy_action is None:
            reason = "the policy is silent"
        if not reason and policy_action is not None:
            try:
                return Source.POLICY, self._spec.check(policy_action, "policy action"), ""
            except (ShapeError, NonFiniteError) as error:
                reason = str(error)
        return Source.STOPPED, np.zeros(self._spec.size, np.float32), reason

    def _delayed(self, stamp_ns: int) -> bool:
        if self._held_stamp_ns is None:
            return False
        return 0 <= stamp_ns - self._held_stamp_ns < self._config.reentry_delay_s * 1e9

    def _lateness(self, now_ns: int) -> str:
        """What is wrong with the joystick now; empty while it is heard."""
        if self._heard_ns is None:
            return "no live joystick"
        age_s = (now_ns - self._heard_ns) * 1e-9
        return f"joystick late by {age_s:.2f} s" if age_s > self._late_s else ""

    def _watch(self, now_ns: int) -> None:
        """Notice a lost joystick."""
        if self._heard_ns is None:
            return
        age_s = (now_ns - self._heard_ns) * 1e-9
        if age_s > self._config.joy_timeout_s:
            self.lose(f"joystick silent for {age_s:.2f} s")
