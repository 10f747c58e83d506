from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes.bags import SPEC

from vlmrl_ros.core.episode_plan import MAX_TEXT, Announcement, Announcements, EpisodePlan, Role
from vlmrl_ros.core.errors import RangeError, ShapeError
from vlmrl_ros.core.spec import ContextSpec

TOY = replace(SPEC, context=ContextSpec("goal", "m", trivial=0.0, full=2.0))
ROLLED_IN = EpisodePlan(1.0, rolled_in=True, roll_in_steps=3, roll_in_context=0.1 + 0.2, extra_steps=3)
SAID = Announcement(500, 4, ROLLED_IN)


def spoiled(**values: object) -> str:
    return json.dumps({**json.loads(SAID.to_json()), **values})


def test_a_roll_in_goes_before_the_explorer_and_a_plain_episode_is_the_main_agents():
    assert [ROLLED_IN.role(step) for step in (0, 2, 3, 9)] == [Role.ROLL_IN] * 2 + [Role.EXPLORER] * 2
    assert EpisodePlan(1.0, roll_in_steps=3).role(0) is Role.MAIN


@pytest.mark.parametrize("plan", [ROLLED_IN, EpisodePlan(2.0)])
def test_an_announcement_survives_to_the_last_bit(plan):
    said = replace(SAID, plan=plan)
    assert Announcement.from_json(said.to_json(), TOY) == said


@pytest.mark.parametrize("text", ["", "{", "[]", "7", spoiled(context="far"), spoiled(episode=None), '{"context": 1}'])
def test_what_is_no_plan_is_refused(text):
    with pytest.raises(ShapeError, match="not the plan of an episode"):
        Announcement.from_json(text, TOY)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (spoiled(context=2.5), "context goal is 2.5 m; valid: beyond 0, up to 2"),
        (spoiled(context=float("nan")), "context goal is nan"),
        (spoiled(roll_in_context=-1.0), "context goal is -1"),
        (spoiled(rolled_in=False, roll_in_context=float("inf")), "context goal is inf"),
        (spoiled(extra_steps=11), "3 roll-in and 11 extra steps; valid: 0 to 10"),
        (spoiled(roll_in_steps=-1), "-1 roll-in and 3 extra steps"),
        (spoiled(after_ns=-1), "after -1 ns"),
        (" " * MAX_TEXT + "{}", "the most that is read is 4096"),
    ],
)
def test_a_plan_that_the_task_cannot_follow_is_refused(text, reason):
    with pytest.raises(RangeError, match=reason):
        Announcement.from_json(text, TOY)


def test_a_task_without_a_context_has_no_plans():
    with pytest.raises(RangeError, match="task 'toy' has none to change"):
        Announcement.from_json(SAID.to_json(), SPEC)


@pytest.mark.parametrize("waits", [True, False])
def test_in_lockstep_an_episode_waits_for_the_plan_made_after_the_one_before(waits):
    plans = Announcements(TOY, waits)
    assert (plans.newest, plans.following(500)) == (None, None)
    plans.hear(SAID.to_json())
    assert plans.newest == plans.following(500) == ROLLED_IN
    assert plans.following(600) == (None if waits else ROLLED_IN)
    later = replace(SAID, after_ns=600, plan=EpisodePlan(2.0))
    plans.hear(later.to_json())
    assert plans.following(600) == EpisodePlan(2.0)


def test_a_plan_that_is_refused_leaves_the_one_before_in_force():
    plans = Announcements(TOY, waits=True)
    plans.hear(SAID.to_json())
    with pytest.raises(RangeError):
        plans.hear(spoiled(context=9.0))
    assert plans.newest == ROLLED_IN
