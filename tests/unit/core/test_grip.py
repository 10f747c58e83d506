from __future__ import annotations

from vlmrl_ros.core.grip import PATIENCE_STEPS, Grip
from vlmrl_ros.core.types import Source


def held(grip: Grip, sources: list[Source]) -> list[bool]:
    """Want to hold at each step; returns whether the person did."""
    done = []
    for stamp_ns, source in enumerate(sources):
        done.append(grip.press(stamp_ns, holds=True))
        grip.see(stamp_ns, source)
    return done


def test_a_hand_that_holds_a_stopped_arm_lets_go_for_one_step_and_tries_again():
    assert held(Grip(), [Source.STOPPED] * 8) == [True] * PATIENCE_STEPS + [False] + [True] * 2


def test_a_hand_that_the_arm_follows_holds_on():
    assert all(held(Grip(), [*[Source.STOPPED] * 4, Source.HUMAN] * 3))


def test_what_is_said_of_another_step_does_not_count():
    grip = Grip()
    for stamp_ns in range(20):
        assert grip.press(stamp_ns, holds=True)
        grip.see(stamp_ns - 1, Source.STOPPED)
