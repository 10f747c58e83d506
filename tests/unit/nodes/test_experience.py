"""A learning run on what a policy says, in process: the model that speaks has the weights that were published last."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import count
from types import SimpleNamespace

import numpy as np
import pytest
from fakes.steps import episode
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from vlmrl_ros.core import registry
from vlmrl_ros.core.chain import Chain
from vlmrl_ros.core.config import from_mapping, to_mapping
from vlmrl_ros.core.errors import ConfigError
from vlmrl_ros.core.preload import preload
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.run_directory import RunDirectory
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.spoken import read_spoken
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.text_action import TextAction
from vlmrl_ros.core.thinker import Question
from vlmrl_ros.core.types import Step
from vlmrl_ros.nodes.experience import AsSpoken, check_together, listens, with_shared
from vlmrl_ros.nodes.learner_config import LearnerConfig
from vlmrl_ros.nodes.learning_run import LearningRun
from vlmrl_ros.nodes.plan import Plan, Ties
from vlmrl_ros.policies.vlm.policy import build
from vlmrl_ros.policies.vlm.tiny import TinyConfig
from vlmrl_ros.policies.vlm.tiny import build as build_model

HIGH = np.array([0.1, 1.0], np.float32)
SPEC = TaskSpec(
    "toy",
    VectorSpec(("tip_x", "step", "half"), ("m",) * 3, np.full(3, -1e3), np.full(3, 1e3)),
    VectorSpec(("linear_x", "gripper"), ("m/s", "1"), -HIGH, HIGH),
    (CameraSpec("top", 16, 16), CameraSpec("side", 20, 24)),
    0.1,
    50,
)
SMALL = TinyConfig(vision="stem", image_size=16, vision_width=16, width=16, layers=1, vocabulary=260, context=1024)
LEARNERS = {
    "vlm_ppo": {"turns_per_update": 4, "minibatch": 3, "epochs": 1, "learning_rate": 0.01},
    "vlm_gigpo": {"group_size": 2, "groups_per_update": 1, "minibatch": 3, "epochs": 1, "learning_rate": 0.01},
    "vlm_sft": {"steps_per_update": 2, "minibatch": 3, "min_turns": 4},
    "vlm_kto": {"steps_per_update": 2, "minibatch": 3, "min_turns": 4},
}
LENGTH = 6


@pytest.fixture(scope="module")
def speaker(tmp_path_factory) -> SimpleNamespace:
    """The options of a policy with a model of its own, and the policy."""
    folder = tmp_path_factory.mktemp("model")
    for part in build_model([answer("I see.", "move forward")], 0, SMALL):
        part.save_pretrained(folder)
    options = {"model": str(folder), "max_new_tokens": 6, "temperature": 0.9}
    return SimpleNamespace(options=options, policy=build(SPEC, options))


def made_of(name: str, speaker) -> SimpleNamespace:
    """A learner and the experience that it takes."""
    builder = registry.load("learners", name)
    options = from_mapping(builder.config_type, with_shared(builder.config_type, LEARNERS[name], speaker.options))
    experience = AsSpoken(SPEC, options, speaker.options)
    learner = builder.build(experience.spec, options, stream(0, "learner"))
    return SimpleNamespace(options=options, experience=experience, learner=learner)


def run_of(name: str, speaker, tmp_path, lived: Sequence[Step] = (), **plan_options) -> SimpleNamespace:
    made = made_of(name, speaker)
    directory = RunDirectory(tmp_path / "run", bool(plan_options.get("resume")))
    directory.write_text("config.yaml", "")
    published = []
    plan = Plan(
        learner=name,
        options=to_mapping(made.options),
        policy="vlm",
        seed=0,
        max_steps=1000,
        samples_per_insert=getattr(made.options, "samples_per_insert", None),
        publish_every=10**5,
        checkpoint_every=10**5,
        keep_checkpoints=1,
        eval_task="",
        eval_task_options={},
        eval_episodes=1,
        final_eval_episodes=0,
        **plan_options,
    )

    def bags(_: int, after_ns: int) -> list[Step]:
        return [step for step in lived if step.stamp_ns > after_ns]

    ties = Ties(published.append, bags, lambda: [lived], print, print)
    run = LearningRun(plan, made.learner, SPEC, directory, ties, made.experience)
    return SimpleNamespace(run=run, directory=directory, published=published)


def live(speaker, version, numbers) -> Iterator[Step]:
    """Episodes that begin alike, in which the policy speaks at each second step, with the weights of ``version()``.

    In every other one a person takes over at step 3 and drives to step 4.
    """
    for number in numbers:
        spoken = None
        for step in episode(number, LENGTH, (3, 4) if number % 2 else ()):
            frame = np.full((16, 16, 3), 40 * step.feedback.step, np.uint8)
            observation = {**step.observation, "top": frame, "side": np.full((20, 24, 3), step.feedback.step, np.uint8)}
            if step.feedback.step % 2 == 0 and not step.feedback.last:
                question = Question(observation, np.random.default_rng(step.stamp_ns), "go on")
                (decision,) = speaker.policy.think([question])
                said = {**decision.thought, "stamp_ns": step.stamp_ns, "version": version()}
                spoken = read_spoken(json.dumps(said))
            yield replace(step, observation=observation, spoken=spoken)


@pytest.mark.parametrize(("invalid", "cost"), [("no-op", 0.0), ("penalty", -1.0), ("end", -1.0)])
def test_what_a_text_without_an_action_costs_is_as_the_policy_was_told(invalid, cost, speaker):
    options = made_of("vlm_ppo", speaker).options
    experience, chain = AsSpoken(SPEC, options, {**speaker.options, "invalid": invalid}), Chain()
    lived = filter(None, map(chain.append, live(speaker, lambda: 0, [0])))
    turns = [turn for transition in lived for turn in experience(transition)]
    assert [turn.said.valid for turn in turns] == [False] * 3
    assert [(turn.reward, turn.terminated) for turn in turns] == [(cost, invalid == "end")] * 3


@pytest.mark.parametrize("name", ["vlm_ppo", "vlm_gigpo"])
def test_a_run_publishes_first_and_after_each_update_and_every_ratio_begins_at_one(name, speaker, tmp_path):
    made = run_of(name, speaker, tmp_path)
    made.run.begin()
    made.run.recover(lambda: False)
    assert [weights.version for weights in made.published] == [1], "so that the policy has what the learner has"
    speaker.policy.load(made.published[0].variables)
    metrics = []
    for step in live(speaker, lambda: made.run.version, count()):
        made.run.digest(step, lambda: True)
        if len(made.published) > len(metrics) + 1:
            metrics.append(made.run.training.metrics)
            speaker.policy.load(made.published[-1].variables)
        if len(metrics) == 3:
            break
    assert [weights.version for weights in made.published] == [1, 2, 3, 4]
    assert max(one["first_ratio_error"] for one in metrics) < 1e-3
    assert min(one["reward"] for one in metrics) < 0, "people took over"
    first, last = made.published[0].variables, made.published[-1].variables
    assert any(not np.array_equal(first[key], last[key]) for key in first)
    made.run.end(lambda: False)
    made.directory.close()
    summary = made.run.summary
    assert summary["turns"] == {"vlm_ppo": 3 * 4, "vlm_gigpo": 3 * 2 * 3}[name]
    assert summary["turns_of_unseen"] == 0
    assert summary["turns_of_other_weights"] <= 3, "at each update one turn may be under way"
    assert " \N{RIGHTWARDS ARROW} " in made.run.experience.line()
    picture = made.run.path / "plots" / "story.png"
    assert picture.read_bytes().startswith(b"\x89PNG")
    board = EventAccumulator(str(made.run.path / "tensorboard")).Reload()
    for key in ("parse_rate", "thought_tokens", "first_ratio_error"):
        curve = [event.value for event in board.Scalars(f"learner/{key}")]
        np.testing.assert_allclose(curve, [one[key] for one in metrics], rtol=1e-5, err_msg=key)


def shown(speaker) -> list[Step]:
    """Four episodes in which what is said can be carried out."""
    steps = []
    for step in live(speaker, lambda: 7, range(4)):
        said = step.spoken
        if said is not None:
            text = answer("I see.", "move forward")
            border = text.index('"action"')
            named = TextAction("move forward", (0, border), (border, len(text)))
            said = replace(said, said=named, utterance=replace(said.utterance, text=text))
        steps.append(replace(step, spoken=said))
    return steps


def test_a_run_without_a_robot_has_what_it_was_given_when_it_goes_on(speaker, tmp_path):
    given = {"data": ("shown",), "offline": True}
    steps, ends = shown(speaker), {}
    for parts in ((20,), (9, 20)):
        for index, until in enumerate(parts):
            made = run_of("vlm_sft", speaker, tmp_path / str(len(parts)), steps, **given, resume=index > 0)
            made.run.begin()
            while made.run.training.steps < until:
                made.run.rehearse(lambda: True)
            made.run.end(lambda: True)
            made.directory.close()
        ends[len(parts)] = made.run.training.updates, made.run.summary["checkpoint_sha256"]
    assert ends[1] == ends[2]
    assert ends[1][0] > 1


@pytest.mark.parametrize("cut", [5, 6, 9, 14])
def test_a_run_that_died_within_a_turn_goes_on_as_if_it_had_not(cut: int, speaker, tmp_path):
    whole, lived = run_of("vlm_ppo", speaker, tmp_path / "whole"), []
    whole.run.begin()
    whole.run.recover(lambda: False)
    speaker.policy.load(whole.published[0].variables)
    for step in live(speaker, lambda: whole.run.version, count()):
        lived.append(step)
        whole.run.digest(step, lambda: True)
        speaker.policy.load(whole.published[-1].variables)
        if whole.run.training.updates == 2:
            break
    whole.run.end(lambda: True)
    whole.directory.close()

    killed = run_of("vlm_ppo", speaker, tmp_path)
    killed.run.begin()
    for step in lived[:cut]:
        killed.run.digest(step, lambda: True)
    killed.run.checkpoint()
    killed.run._collect(wait=True)
    killed.directory.close()

    again = run_of("vlm_ppo", speaker, tmp_path, lived, resume=True)
    again.run.begin()
    again.run.recover(lambda: False)
    again.run.end(lambda: True)
    again.directory.close()
    assert again.run.training.updates == 2
    assert again.run.summary["checkpoint_sha256"] == whole.run.summary["checkpoint_sha256"]
    assert again.run.experience.counts() == whole.run.experience.counts(), "each turn is counted once"


def test_what_was_said_before_is_learned_from_but_not_what_was_taken_over_from(speaker):
    made = made_of("vlm_sft", speaker)
    found = preload(made.learner, [shown(speaker)], True, made.experience)
    assert found.other_transitions == 4 * LENGTH
    assert made.experience.counts()["turns"] == 4 * 3
    assert len(made.learner._tuner) == 4 * 3 - 2, "two were taken over from"
    assert made.learner.ready
    assert made.learner.update()["loss"] > 0


def test_takeovers_in_what_was_said_before_are_preference_data_whoever_said_it(speaker):
    made = made_of("vlm_kto", speaker)
    steps = []
    for step in live(speaker, lambda: 7, range(4)):
        said = step.spoken and replace(step.spoken, said=replace(step.spoken.said, action="move forward"))
        steps.append(replace(step, spoken=said))
    preload(made.learner, [steps], True, made.experience)
    assert made.learner._kto.counts == (4 * 3 - 2, 2)
    assert made.learner.ready
    assert made.learner.update()["undesirable"] == pytest.approx(2 / 12)


def test_what_other_weights_have_said_is_left_out_and_counted(speaker, tmp_path):
    made = run_of("vlm_ppo", speaker, tmp_path)
    made.run.begin()
    for step in live(speaker, lambda: 0, range(4)):
        made.run.digest(step, lambda: True)
    made.run.end(lambda: True)
    made.directory.close()
    assert made.run.training.updates == 0
    assert (made.run.summary["turns"], made.run.summary["turns_of_other_weights"]) == (0, 12)


def test_the_learner_has_the_options_of_its_policy_unless_it_has_its_own():
    of_policy = {"model": "a", "dtype": "bfloat16", "temperature": 0.3, "words": "skills"}
    ppo, sft = (registry.load("learners", name).config_type for name in ("vlm_ppo", "vlm_sft"))
    own = {"clip": 0.2, "temperature": 0.5}
    assert with_shared(ppo, own, of_policy) == {"model": "a", "dtype": "bfloat16", "temperature": 0.5, "clip": 0.2}
    assert with_shared(sft, {}, of_policy) == {"model": "a", "dtype": "bfloat16"}


@pytest.mark.parametrize(
    ("learner", "said"),
    [
        ("trust", r"learner 'trust' learns from Outcome \(select.launch.py\), not from the steps of an arm; val"),
        ("lm_bc", r"learner 'lm_bc' learns from TextEpisode \(language_train.launch.py\), not .*, rlif, .*, vlm_ppo, "),
    ],
)
def test_a_learner_of_something_else_is_refused_with_its_launch_file_and_the_learners_that_are_valid(learner, said):
    with pytest.raises(ConfigError, match=f"^{said}") as error:
        listens(learner)
    assert not {"trust", "lm_bc"} & set(str(error.value).rpartition("valid: ")[2].split(", "))


def test_what_does_not_go_together_is_refused(speaker):
    options = from_mapping(registry.load("learners", "vlm_ppo").config_type, {})
    with pytest.raises(ConfigError, match="goes with learners of transitions"):
        check_together(LearnerConfig(curriculum="rollin"), options, listening=True)
    with pytest.raises(ConfigError, match=r"'vlm_ppo' learns from what its own weights say, not from bags \['x'\]"):
        check_together(LearnerConfig(learner="vlm_ppo", offline=("x",)), options, listening=True)
    with pytest.raises(ConfigError, match="task 'toy' has none, or they are off: observation:=pixels or both"):
        AsSpoken(replace(SPEC, cameras=()), options, speaker.options)
