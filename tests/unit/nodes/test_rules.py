"""What the suites ``reaction``, ``pixels`` and ``rlif`` ask for, and by which rules they say that an ordering holds."""

from __future__ import annotations

import pytest

from vlmrl_ros.nodes.bench import ordering, pixels, reaction
from vlmrl_ros.nodes.bench.lesson import Classroom, Lesson, Outcome


def outcome(success: float) -> Outcome:
    return Outcome(success, 1.0, (success,), 3.0, 1.0, 0.2, {}, 1.0)


def late_runs(ours: dict[int, float], plain: float) -> dict[tuple[int, str], list[Outcome]]:
    runs = {(delay, reaction.OURS): [outcome(value)] * 2 for delay, value in ours.items()}
    return runs | {(delay, reaction.PLAIN): [outcome(plain)] * 2 for delay in ours}


@pytest.mark.parametrize(
    ("ours", "plain", "holds"),
    [
        ({0: 0.95, 3: 0.95, 5: 0.9}, 0.5, True),
        ({0: 0.95, 3: 0.95, 5: 0.85}, 0.5, False),
        ({0: 0.85, 3: 0.95, 5: 0.95}, 0.5, False),
        ({0: 0.95, 3: 0.95, 5: 0.95}, 0.99, False),
    ],
)
def test_ours_must_be_good_at_each_delay_and_no_worse_than_plain_rlif_where_people_are_late(ours, plain, holds):
    assert reaction._holds(late_runs(ours, plain)) is holds


@pytest.mark.parametrize(
    ("weak", "strong", "operator", "holds"),
    [
        ((0.9, 0.7), (1.0, 0.95), 0.5, True),
        ((0.9, 0.75), (1.0, 0.95), 0.5, False),
        ((0.9, 0.7), (1.0, 0.85), 0.5, False),
        ((0.9, 0.7), (0.85, 1.0), 0.5, False),
        ((0.9, 0.7), (1.0, 0.95), 0.95, False),
    ],
)
def test_rlif_must_win_with_the_weak_tie_with_the_strong_and_pass_its_teachers(weak, strong, operator, holds):
    success = {("rlif", "weak"): weak[0], ("hg_dagger", "weak"): weak[1]}
    success |= {("rlif", "strong"): strong[0], ("hg_dagger", "strong"): strong[1]}
    assert ordering.holds(success, {"strong": operator, "weak": operator}) is holds


LESSONS = {
    "late": reaction.late_lesson(5, reaction.OURS, 0, 100),
    "misled": reaction.misled_lesson("blind", 0),
    "seen": pixels.lesson_of("reach", "blind", 0),
}


@pytest.mark.parametrize("lesson", LESSONS.values(), ids=LESSONS)
def test_every_lesson_of_a_suite_can_be_given(lesson: Lesson):
    classroom = Classroom(lesson)
    assert classroom.newest is None
    assert classroom.training.updates == 0
