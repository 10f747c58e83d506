from __future__ import annotations

from vlmrl_ros.core.late_marks import LateMarks
from vlmrl_ros.core.types import Mark


def test_a_mark_counts_late_once_and_only_within_its_episode():
    late = LateMarks()
    late.settle(10)  # the episode before ended there
    assert late.hear(10, 20, Mark.SUCCESS) is Mark.NONE
    assert late.hear(15, 20, Mark.NONE) is Mark.NONE
    assert late.hear(21, 20, Mark.SUCCESS) is Mark.NONE, "of a step that never was"
    assert late.hear(15, 20, Mark.FAILURE) is Mark.FAILURE
    assert late.hear(15, 20, Mark.FAILURE) is Mark.NONE, "the command came twice"
    assert late.hear(16, 20, Mark.RESET) is Mark.RESET
    late.settle(18)
    assert late.hear(18, 20, Mark.RESET) is Mark.NONE, "a command that was used"
