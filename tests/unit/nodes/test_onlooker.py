from __future__ import annotations

import pytest

from vlmrl_ros.core.errors import CheckpointError, ConfigError, UnknownNameError
from vlmrl_ros.nodes.bench.references import write_reference
from vlmrl_ros.nodes.onlooker import find_judgement, look_on
from vlmrl_ros.policies.reference import Judge, JudgementConfig, Reference
from vlmrl_ros.sim.load import build

SURE = {"beta": 1.0}


@pytest.fixture(scope="module")
def reference(task, tmp_path_factory):
    return write_reference(tmp_path_factory.mktemp("reference"), task.spec)


def parts_of(step):
    return {"feedback": step.feedback, "state": step.observation["state"], "policy_action": step.policy_action}


def looked(reference, task, lived, judged):
    """What an onlooker finds at each step, and the judge that they should agree with; what is done comes late."""
    judgement = find_judgement(str(reference), True, {**SURE, "judged": judged})
    onlooker, found, holding = look_on(str(reference), task.spec, judgement, seed=0), [], False
    for before, step in zip([None, *lived], lived, strict=False):
        if onlooker.waits(step.feedback, holding):
            onlooker.hear_executed(before.stamp_ns, before.executed)
        assert not onlooker.waits(step.feedback, holding)
        found.append(onlooker.finds_wrong(step.stamp_ns, parts_of(step), holding))
        holding = step.intervention.active
    return found, Judge(reference, task.spec, judgement, seed=0)


def test_what_the_policy_did_is_judged_once_it_is_known(reference, task, lived):
    found, judge = looked(reference, task, lived, "executed")
    acted = [(a, b, wrong) for a, b, wrong in zip(lived, lived[1:], found[1:], strict=False) if b.feedback.step]
    for before, step, wrong in acted:
        by_policy = not before.intervention.active
        assert wrong == (by_policy and judge.is_wrong(before.observation, before.executed, step.feedback))
    policy = [wrong for before, _, wrong in acted if not before.intervention.active]
    assert True in policy
    assert False in policy


def test_a_proposal_is_judged_at_once(reference, task, lived):
    found, judge = looked(reference, task, lived, "proposed")
    assert found == [judge.is_wrong(step.observation, step.policy_action, step.feedback) for step in lived]
    assert len(set(found)) == 2


def test_what_happened_before_the_first_look_or_beside_it_is_not_judged(reference, task, lived):
    onlooker = look_on(str(reference), task.spec, find_judgement(str(reference), True, SURE), seed=0)
    online = [step for step in lived if step.feedback.episode == 1]
    for step in (online[3], online[5]):
        assert not onlooker.waits(step.feedback, False)
        assert not onlooker.finds_wrong(step.stamp_ns, parts_of(step), False)
    assert onlooker.waits(online[6].feedback, False)


def test_the_critics_are_asked_once_about_a_step_that_is_judged_and_measured(reference, task, lived, monkeypatch):
    judge, fresh = Judge(reference, task.spec, JudgementConfig(), seed=0), Reference(reference, task.spec)
    value, asked = Reference.value, []
    monkeypatch.setattr(Reference, "value", lambda self, *step: asked.append(self) or value(self, *step))
    steps = lived[:20]
    gaps = []
    for step in steps:
        judge.is_wrong(step.observation, step.executed, step.feedback)
        gaps.append(judge.reference.gap(step.observation, step.executed))
    assert len(asked) == 2 * len(steps), "of the reference's own action and of the one that was executed"
    assert gaps == [fresh.gap(step.observation, step.executed) for step in steps]


def test_the_measure_can_be_what_the_person_would_do_instead_of_what_the_reference_would(
    reference, task, lived, tmp_path
):
    expert = write_reference(tmp_path, task.spec, hidden=[8, 8])
    critic, person = Reference(reference, task.spec), Reference(expert, task.spec)
    usual, own = (
        Judge(reference, task.spec, JudgementConfig(**SURE, expert=name), seed=0) for name in ("", str(expert))
    )
    verdicts = []
    for step in lived:
        seen, done = step.observation, step.executed
        verdicts.append(own.is_wrong(seen, done, step.feedback))
        assert verdicts[-1] == (critic.value(seen, done) < critic.value(seen, person.action(seen)))
    assert verdicts != [usual.is_wrong(step.observation, step.executed, step.feedback) for step in lived]


def test_who_does_not_judge_needs_no_reference(task):
    assert find_judgement("", False, {}) is None
    assert look_on("", task.spec, None, seed=0) is None


def test_bad_references_are_refused_in_one_line(reference, task, tmp_path):
    with pytest.raises(
        ConfigError, match=r"^operator\.trigger is 'judged' and reference is ''; valid: .* rlpd, hil_serl or rlif"
    ):
        find_judgement("", True, {})
    with pytest.raises(ConfigError, match=r"but operator\.trigger is not 'judged'"):
        find_judgement(str(reference), False, {})
    with pytest.raises(CheckpointError, match="'nowhere' is not a checkpoint"):
        find_judgement("nowhere", True, {})
    with pytest.raises(CheckpointError, match="'nobody' is not a checkpoint"):
        find_judgement(str(reference), True, {"expert": "nobody"})
    with pytest.raises(
        UnknownNameError, match="unknown judgement key 'patience'; valid: alpha, beta, delta, expert, judged"
    ):
        find_judgement(str(reference), True, {"patience": 1})
    judgement = find_judgement(str(reference), True, {})
    other = build("pick_lift", {})
    with pytest.raises(CheckpointError, match="expected"):
        look_on(str(reference), other.spec, judgement, seed=0)
    other.close()
    cloned = write_reference(tmp_path, task.spec, "bc")
    with pytest.raises(CheckpointError, match="is no checkpoint with critics"):
        look_on(str(cloned), task.spec, judgement, seed=0)
    plain = write_reference(tmp_path / "plain", task.spec, "sac")
    with pytest.raises(CheckpointError, match=r"expected a multiple of .*: of a learner with layer_norm: true"):
        look_on(str(plain), task.spec, judgement, seed=0)
