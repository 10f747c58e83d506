"""When a person at the joystick lets go because the arm does not follow. Pure."""

from __future__ import annotations

from vlmrl_ros.core.types import Source

PATIENCE_STEPS = 5


class Grip:
    """Counts the steps in which a hand holds control and the arm is stopped all the same.

    After an e-stop, or after its joystick was lost, a hand moves the arm only once it has been seen to let go.
    """

    def __init__(self) -> None:
        """Begin with an arm that follows."""
        self._stamp_ns = -1
        self._holds = False
        self._in_vain = 0

    def press(self, stamp_ns: int, holds: bool) -> bool:
        """The reading of a step is about to be sent.

        Args:
            stamp_ns: of the step, ns.
            holds: the person wants to hold control.

        Returns:
            whether they do: not in the one step in which they let go.
        """
        if self._in_vain >= PATIENCE_STEPS:
            holds, self._in_vain = False, 0
        self._stamp_ns, self._holds = stamp_ns, holds
        return holds

    def see(self, stamp_ns: int, source: Source) -> None:
        """Who acts in a step, as ``intervention`` says."""
        if stamp_ns == self._stamp_ns:
            self._in_vain = self._in_vain + 1 if self._holds and source is Source.STOPPED else 0
