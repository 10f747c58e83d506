from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from fakes.curricula import CURRICULUM, PACE, SMALL, chained, digest, learner_of, live, step, stored, until_rolled_in

from vlmrl_ros.core import registry
from vlmrl_ros.core.episode_plan import EpisodePlan, Role
from vlmrl_ros.core.errors import CheckpointError
from vlmrl_ros.core.preload import preload
from vlmrl_ros.core.snapshot import save_snapshot
from vlmrl_ros.core.types import Intervention, Source, Transition
from vlmrl_ros.policies.curricula.acting import CurriculumPolicy
from vlmrl_ros.policies.curricula.agents import EXPLORER, CurriculumLearner
from vlmrl_ros.policies.gaussian import build as build_gaussian
from vlmrl_ros.policies.learners.calql.builder import Builder as Calql
from vlmrl_ros.policies.learners.rlif.builder import Builder as Rlif
from vlmrl_ros.policies.learners.rlpd.builder import Builder as Rlpd


def test_what_another_run_lived_through_teaches_the_main_agent_and_is_no_progress_of_this_one(contextual_spec):
    learner = learner_of(contextual_spec)
    began, episodes = learner.curriculum.state(), 2 * CURRICULUM["window"]
    lived = [list(chained(number, 12, True, learner.plan(number))) for number in range(episodes)]
    steps = [one for items in lived for one in (items[0].before, *(item.after for item in items))]
    preload(learner, [steps], everything=True)
    assert stored(learner.main) == 12 * episodes
    assert learner.curriculum.state() == began
    assert not learner.update().keys() & {"curriculum.uncovered.rho"}


@pytest.mark.parametrize(("builder", "takes"), [(Calql, True), (Rlpd, False)])
def test_the_failures_of_a_person_are_given_to_plug_ins_that_learn_from_them(contextual_spec, builder, takes):
    learner = learner_of(contextual_spec, builder=builder)
    driven = Intervention(True, False, 0.0, Source.HUMAN)
    plan = EpisodePlan(context=contextual_spec.context.full)
    rng = np.random.default_rng(0)
    steps = [step(0, k, 5, False, plan, rng) for k in range(6)]
    preload(learner, [[dataclasses.replace(one, intervention=driven) for one in steps]], everything=True)
    assert sum(len(part) for part in learner.main._memory.parts.values()) == (5 if takes else 0)


@pytest.mark.parametrize("builder", [Rlpd, Rlif])
def test_the_main_agent_sees_every_step_and_the_explorer_its_own(contextual_spec, builder):
    learner = learner_of(contextual_spec, builder=builder)
    number = until_rolled_in(learner)
    before = stored(learner.main), stored(learner.explorer)
    plan, items = live(learner, number)
    assert before[1] == 0
    assert stored(learner.main) - before[0] == len(items) == 12 + plan.roll_in_steps
    assert stored(learner.explorer) == sum(plan.role(item.before.feedback.step) is Role.EXPLORER for item in items)
    assert stored(learner.explorer) == 12


def test_steps_of_a_person_are_not_the_explorers(contextual_spec):
    learner = learner_of(contextual_spec)
    number = until_rolled_in(learner)
    plan = learner.plan(number)
    item = next(
        item for item in chained(number, 20, False, plan) if plan.role(item.before.feedback.step) is Role.EXPLORER
    )
    person = dataclasses.replace(item.before, intervention=Intervention(True, False, 0.0, Source.HUMAN))
    learner.add(dataclasses.replace(item, before=person))
    assert stored(learner.explorer) == 0


def explored(learner: CurriculumLearner, number: int, human: bool, demonstration: bool = False) -> None:
    """Twelve steps of the explorer's part of a rolled-in episode, in which a person acts or a policy does."""
    decided = Intervention(human, False, 0.0, Source.HUMAN if human else Source.POLICY)
    context = learner.curriculum.contexts[learner.curriculum.stage]
    plan = EpisodePlan(context, rolled_in=True)
    for item in chained(number, 12, False, plan):
        acted = dataclasses.replace(item.before, intervention=decided)
        learner.add(dataclasses.replace(item, before=acted, demonstration=demonstration))


def who_explores(learner: CurriculumLearner) -> str:
    """Whose weights act in the explorer's part."""
    given = learner.variables()
    acts = {name[len(EXPLORER) :]: value.tobytes() for name, value in given.items() if name.startswith(EXPLORER)}
    agents = {"main": learner.main, "explorer": learner.explorer}
    whose = {n: {name: value.tobytes() for name, value in agent.variables().items()} for n, agent in agents.items()}
    return next(name for name, weights in whose.items() if weights == acts)


@pytest.mark.parametrize("name", ["bc", "hg_dagger", "dagger"])
def test_the_main_agent_explores_until_one_that_imitates_has_enough_of_a_persons_steps(contextual_spec, name):
    learner = learner_of(contextual_spec, builder=registry.load("learners", name))
    number = until_rolled_in(learner)
    explored(learner, number, human=False)
    assert who_explores(learner) == "main"
    explored(learner, number + 1000, human=True, demonstration=name == "bc")
    assert learner.explorer.ready
    assert who_explores(learner) == "explorer"


@pytest.mark.parametrize("builder", [Rlpd, Rlif])
def test_an_explorer_that_learns_from_what_it_does_acts_from_the_first_step(contextual_spec, builder):
    learner = learner_of(contextual_spec, builder=builder)
    until_rolled_in(learner)
    assert not learner.explorer.ready
    assert who_explores(learner) == "explorer"


def test_rolled_in_episodes_do_not_count_for_the_advance_test(contextual_spec):
    learner = learner_of(contextual_spec)
    number = until_rolled_in(learner)
    state = learner.curriculum.state()
    live(learner, number, success=True)
    assert learner.curriculum.state() == state


@pytest.mark.parametrize("demonstration", [False, True])
def test_a_success_with_a_persons_help_does_not_count_and_a_demonstration_says_nothing(contextual_spec, demonstration):
    learner = learner_of(contextual_spec)
    for item in chained(0, 12, True, learner.plan(0)):
        by = Source.HUMAN if demonstration or item.before.feedback.step == 3 else Source.POLICY
        person = dataclasses.replace(item.before, intervention=Intervention(by is Source.HUMAN, False, 0.0, by))
        learner.add(dataclasses.replace(item, before=person, demonstration=demonstration))
    assert learner.curriculum.state()["recent"] == ([] if demonstration else [0.0])
    live(learner, 1, success=True)
    assert learner.curriculum.state()["recent"][-1] == 1.0


def test_steps_of_another_stage_are_the_main_agents_alone(contextual_spec):
    learner = learner_of(contextual_spec)
    until_rolled_in(learner)
    before, state = stored(learner.main), learner.curriculum.state()
    late = EpisodePlan(learner.curriculum.contexts[0], rolled_in=True)
    for plan in (late, dataclasses.replace(late, rolled_in=False)):
        for item in chained(700, 12, True, plan):
            learner.add(item)
    assert stored(learner.main) - before == 24
    assert stored(learner.explorer) == 0
    assert learner.curriculum.state() == state


def test_each_stage_begins_with_a_fresh_explorer_and_keeps_the_main_agent(contextual_spec):
    learner = learner_of(contextual_spec)
    live(learner, until_rolled_in(learner))
    explorer, main, stage = learner.explorer, learner.main, learner.curriculum.stage
    learner.update()
    number = 500
    while learner.curriculum.stage == stage:
        live(learner, number, success=True)
        number += 1
    assert learner.main is main
    assert learner.explorer is not explorer
    assert stored(learner.explorer) == 0
    assert not learner.explorer.ready


def test_the_explorer_keeps_its_own_pace(contextual_spec):
    learner = learner_of(contextual_spec)
    number = until_rolled_in(learner)
    while not learner.explorer.ready:
        learner.plan(number)
        live(learner, number, success=False)
        number += 1
    for _ in range(40):
        learner.update()
    insertions = stored(learner.explorer) - SMALL["min_steps"] + 1
    samples = learner.explorer._updates * learner.explorer.samples_per_update
    assert abs(PACE * (insertions - 1) - samples) <= PACE


def test_a_plan_stays_the_same_while_the_stage_does(contextual_spec):
    learner = learner_of(contextual_spec)
    until_rolled_in(learner)
    plans = {number: learner.plan(number) for number in range(100, 130)}
    assert len({plan.rolled_in for plan in plans.values()}) == 2
    assert all(learner.plan(number) == plan for number, plan in plans.items())


def test_the_same_seed_lives_the_same_and_another_one_differently(contextual_spec, tmp_path):
    def lived(seed: int) -> str:
        learner = learner_of(contextual_spec, seed)
        for number in range(8):
            live(learner, number)
            learner.update()
        return digest(learner, tmp_path / f"{seed}_{len(list(tmp_path.iterdir()))}")

    assert lived(1) == lived(1) != lived(2)


def test_a_restored_curriculum_goes_on_to_the_same_bit(contextual_spec, tmp_path):
    saved, restored = learner_of(contextual_spec), learner_of(contextual_spec, seed=0)
    number = until_rolled_in(saved)
    live(saved, number)
    saved.update()
    saved.plan(number + 1)
    (tmp_path / "saved").mkdir()
    save_snapshot(tmp_path / "saved", saved.snapshot())
    restored.restore(tmp_path / "saved")
    for learner in (saved, restored):
        for later in range(number + 1, number + 9):
            live(learner, later, success=later % 3 > 0)
            learner.update()
    assert digest(saved, tmp_path / "a") == digest(restored, tmp_path / "b")
    assert saved.curriculum.stage > 0


@pytest.mark.parametrize("text", ["{", "[]", '{"curriculum": {"stage": 9}}'])
def test_a_damaged_state_is_refused(contextual_spec, tmp_path, text):
    save_snapshot(tmp_path, learner_of(contextual_spec).snapshot())
    (tmp_path / "curriculum.json").write_text(text)
    with pytest.raises(CheckpointError, match="no usable state of a curriculum"):
        learner_of(contextual_spec).restore(tmp_path)


def test_the_main_agents_weights_can_be_judged_alone(contextual_spec):
    learner = learner_of(contextual_spec)
    alone = build_gaussian(contextual_spec, learner.evaluation_options)
    alone.load(learner.variables())
    only = build_gaussian(contextual_spec, learner.evaluation_options)
    only.load(learner.main.variables())
    seen = {"state": np.array([0.1, -0.1, 0.05], np.float32)}
    actions = [policy.act(seen, np.random.default_rng(0))[0].tolist() for policy in (alone, only)]
    assert actions[0] == actions[1]


def test_who_acts_follows_the_plan(contextual_spec):
    learner = learner_of(contextual_spec)
    mode = {"explore": False}
    policy = CurriculumPolicy(contextual_spec, lambda: build_gaussian(contextual_spec, mode))
    policy.load(learner.variables())
    main, explorer = (build_gaussian(contextual_spec, mode) for _ in range(2))
    main.load(learner.main.variables())
    explorer.load(learner.explorer.variables())
    seen = {"state": np.array([0.1, -0.1, 0.2], np.float32)}
    easier = {"state": np.array([0.1, -0.1, 0.05], np.float32)}
    rng = np.random.default_rng(0)
    rolled_in = EpisodePlan(0.2, rolled_in=True, roll_in_steps=1, roll_in_context=0.05)
    acted, roles = [], []
    for plan, number in ((rolled_in, 0), (rolled_in, 1), (EpisodePlan(0.2), 0), (None, 1)):
        roles.append(policy.follow(plan, number))
        acted.append(policy.act(seen, rng)[0].tolist())
    expected = [main.act(easier, rng), explorer.act(seen, rng), *[main.act(seen, rng)] * 2]
    assert roles == [Role.ROLL_IN, Role.EXPLORER, Role.MAIN, Role.MAIN]
    assert acted == [action.tolist() for action, _ in expected]
    assert len({tuple(action) for action in acted}) == 3
    assert seen["state"][2] == np.float32(0.2)


OF_TRANSITIONS = [
    name for name in registry.names("learners") if registry.load("learners", name).experience is Transition
]


@pytest.mark.parametrize("name", OF_TRANSITIONS)
def test_every_learner_of_transitions_takes_part_and_is_restored(name, contextual_spec, tmp_path):
    builder = registry.load("learners", name)
    saved, restored = (learner_of(contextual_spec, builder=builder) for _ in range(2))
    number = until_rolled_in(saved)
    live(saved, number)
    updates = 3 if saved.ready else 0  # those that clone need a person's steps
    for _ in range(updates):
        saved.update()
    (tmp_path / "saved").mkdir()
    save_snapshot(tmp_path / "saved", saved.snapshot())
    restored.restore(tmp_path / "saved")
    for learner in (saved, restored):
        live(learner, number + 1)
        for _ in range(updates):
            learner.update()
    assert digest(saved, tmp_path / "a") == digest(restored, tmp_path / "b")
