"""The policy ``vlm``: every family of models through the same code, and what goes wrong."""

from __future__ import annotations

import hashlib
import queue
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from fakes.vlm_models import FAMILIES, SIZE, llava

from vlmrl_ros.core.asking import Asking
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.errors import CheckpointError, ConfigError, UnknownNameError
from vlmrl_ros.core.prompts import answer
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.text import IMAGE
from vlmrl_ros.core.thinker import Decision, Question, Thinker
from vlmrl_ros.nodes.thinking import Thinking, Thought
from vlmrl_ros.policies.vlm import tiny
from vlmrl_ros.policies.vlm.config import VlmConfig
from vlmrl_ros.policies.vlm.decoding import Decoder
from vlmrl_ros.policies.vlm.fused_engine import FusedEngine
from vlmrl_ros.policies.vlm.generic_engine import GenericEngine
from vlmrl_ros.policies.vlm.loading import with_new_adapter
from vlmrl_ros.policies.vlm.policy import VlmPolicy, build
from vlmrl_ros.policies.vlm.scoring import never_said
from vlmrl_ros.policies.vlm.sft import Example, SftConfig, fine_tune
from vlmrl_ros.policies.vlm.weights import variables

NAMES = ("linear_x", "linear_y", "linear_z", "gripper")
HIGH = np.array([0.1, 0.1, 0.1, 1.0], np.float32)
STATE = VectorSpec(("tip_x",), ("m",), np.array([-1.0]), np.array([1.0]))
SPEC = TaskSpec(
    "toy", STATE, VectorSpec(NAMES, ("m/s", "m/s", "m/s", "1"), -HIGH, HIGH), (CameraSpec("front", 32, 32),), 0.1, 50
)
SHORT = VlmConfig(max_new_tokens=6, temperature=0.0)
FUSED = {"llava", "idefics3", "smolvlm"}


def question(seed: int = 0, instruction: str = "", **more) -> Question:
    rng = np.random.default_rng(seed)
    frame = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)
    return Question({"state": np.zeros(1, np.float32), "front": frame, **more}, rng, instruction)


@pytest.fixture(params=FAMILIES)
def family(request):
    return request.param


def answered(policy: VlmPolicy, *questions: Question) -> list[Decision]:
    """As the server asks: all together, and each alone where that fails."""
    thoughts: queue.SimpleQueue[Thought] = queue.SimpleQueue()
    thinking = Thinking(policy, len(questions), lambda weights, error: None)
    for robot, one in enumerate(questions):
        thinking.ask(robot, one, thoughts.put)
    thinking.start()
    made = [thoughts.get(timeout=60.0) for _ in questions]
    thinking.stop(60.0)
    assert all(thought.decision for thought in made), made
    return [thought.decision for thought in made]


def policy_of(family: str = "llava", config: VlmConfig = SHORT) -> VlmPolicy:
    return VlmPolicy(SPEC, config, *FAMILIES[family](Asking(SPEC, config).examples()))


def test_every_family_says_what_generate_says_alone_and_together(family):
    policy = policy_of(family)
    assert isinstance(policy, Thinker)
    assert isinstance(policy._decoder._engine, FusedEngine if family in FUSED else GenericEngine)
    asked = [policy.asking.observation(question(seed, "up " * seed)) for seed in (0, 2)]
    together = policy._decoder.decode(asked, 0.0)
    for one, said in zip(asked, together, strict=True):
        given = policy._decoder.inputs([one])
        made = policy.model.generate(
            **given, max_new_tokens=6, do_sample=False, suppress_tokens=never_said(policy.processor)
        )
        expected = made[0, given["input_ids"].shape[1] :].tolist()
        assert said.token_ids.tolist() == expected[: len(said.token_ids)]
        np.testing.assert_allclose(said.log_probs, policy._decoder.decode([one], 0.0)[0].log_probs, atol=1e-3)


def test_every_family_decides_and_takes_new_weights(family):
    policy = policy_of(family, VlmConfig(max_new_tokens=6, invalid="random"))
    first, second = policy.think([question(1), question(2, "lift it")])
    assert first.thought["action"] in policy.asking.words
    assert policy.asking.vocabulary[first.thought["action"]] is first.motion
    assert "The task: lift it." in second.thought["prompt"]
    assert first.thought["prompt_sha256"] == hashlib.sha256(first.thought["prompt"].encode()).hexdigest()
    assert len(first.thought["token_ids"]) == len(first.thought["log_probs"]) == 6
    again = policy_of(family)
    new = {name: value + 0.3 * np.sign(value) for name, value in variables(policy.model).items()}
    policy.load(new)
    assert again.think([question(1)])[0].thought["text"] != policy.think([question(1)])[0].thought["text"]


def test_a_model_that_was_taught_acts_by_its_word_until_the_motion_ends():
    policy = policy_of(config=VlmConfig(max_new_tokens=60, temperature=0.0))
    shown = [Example(policy.asking.observation(question(seed)), answer("Go.", "move left")) for seed in range(2)]
    teaching = SftConfig(steps=60, minibatch=2, learning_rate=1e-2, warm_up=5)
    losses = fine_tune(policy.model, policy.processor, shown, 0, teaching)
    assert losses[-1] < 0.1
    observed, rng = question(0).observation, np.random.default_rng(0)
    action, info = policy.act(observed, rng)
    assert (info["thought"]["action"], info["thought"]["valid"]) == ("move left", True)
    assert info["thought"]["text"].startswith('{"thoughts": "Go."')
    np.testing.assert_allclose(action, [0.0, 0.1, 0.0, 0.0], atol=1e-6)
    steps = policy.asking.vocabulary["move left"].steps
    assert [bool(policy.act(observed, rng)[1]) for _ in range(steps)] == [False] * (steps - 1) + [True]
    policy.reset()
    assert policy.act(observed, rng)[1]


@pytest.mark.parametrize(("invalid", "ends"), [("no-op", False), ("penalty", False), ("end", True)])
def test_a_text_without_action_decides_nothing_and_may_end_the_episode(invalid, ends):
    policy = policy_of(config=replace(SHORT, invalid=invalid))
    held = policy.think([question()])[0]
    assert (held.motion, held.thought["valid"], held.thought["action"]) == (None, False, None)
    assert held.ends is ends
    assert policy.act(question().observation, np.random.default_rng(0))[1]["ends"] is ends


def test_a_text_without_action_may_mean_any_word():
    drawn = policy_of(config=replace(SHORT, invalid="random")).think([question()])[0]
    assert not drawn.thought["valid"]
    assert not drawn.ends
    assert drawn.motion is not None


def test_without_instruction_that_of_the_options_holds():
    policy = policy_of(config=VlmConfig(instruction="tidy up", max_new_tokens=2))
    assert "The task: tidy up." in policy.asking.prompt("  ")
    assert "The task: stop." in policy.asking.prompt("stop")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (question(front=np.zeros((32, 32, 3), np.float32)), r"an image is float32 \(32, 32, 3\); expected uint8"),
        (question(front=np.zeros((32, 32), np.uint8)), r"an image is uint8 \(32, 32\)"),
        (question(front=np.zeros((0, 32, 3), np.uint8)), r"an image is uint8 \(0, 32, 3\)"),
        (question(instruction="on " * 900), r"a prompt has \d+ tokens and an answer up to 6; together at most 1024"),
        (question(front=np.broadcast_to(np.uint8(0), (2**25, 2**25, 3))), "[Uu]nable to allocate"),
    ],
)
def test_one_bad_question_is_told_and_hurts_no_other(wrong, message):
    good, bad = answered(policy_of(), question(), wrong)
    assert "error" not in good.thought
    assert bad.motion is None
    with pytest.raises(AssertionError, match=message):
        raise AssertionError(bad.thought["error"])


def test_what_a_model_does_not_take_for_text_is_refused_in_an_instruction_and_hurts_no_other(family):
    policy = policy_of(family)
    mark, end = policy.processor.image_token, policy.processor.tokenizer.eos_token
    for told in (IMAGE, mark, end):
        good, bad = answered(policy, question(1, "lift it"), question(2, f"put {told} down"))
        assert good.thought["token_ids"] == policy.think([question(1, "lift it")])[0].thought["token_ids"]
        assert bad.thought["error"] == (
            f"an instruction holds ['{told}'], which this model does not take for text; valid: plain words"
        )
    for name in ("instruction", "description"):
        with pytest.raises(ConfigError, match=f"{name} holds .*, which this model does not take for text; valid:"):
            VlmPolicy(SPEC, replace(SHORT, **{name: f"see {mark}"}), policy.model, policy.processor)


def test_a_picture_of_another_size_is_scaled():
    decision = policy_of().think([question(front=np.zeros((50, 20, 3), np.uint8))])[0]
    assert "error" not in decision.thought


def no_room_on_the_device():
    raise torch.OutOfMemoryError("no room")


@pytest.mark.parametrize("ask", [no_room_on_the_device, lambda: torch.empty(2**60), lambda: np.empty(2**55)])
def test_where_memory_is_short_for_all_questions_each_is_answered_alone_or_told_why_not(monkeypatch, ask):
    policy = policy_of()
    real, most = Decoder.decode, 1

    def short(self, asked, *others):
        if len(asked) > most:
            ask()
        return real(self, asked, *others)

    monkeypatch.setattr(Decoder, "decode", short)
    assert all("error" not in one.thought for one in answered(policy, question(1), question(2)))
    most = 0
    assert all(one.thought["error"] for one in answered(policy, question(1), question(2)))


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        (
            {"model": "/nowhere/model"},
            ConfigError,
            "model '/nowhere/model' is no folder; valid: tiny, smol, a folder, or",
        ),
        ({"model": "nothing"}, ConfigError, "model 'nothing' is no folder"),
        ({"adapter": "/nowhere"}, CheckpointError, "adapter '/nowhere' lacks adapter_config.json, adapter_model"),
        ({"adapter": "x", "lora_rank": 2}, ConfigError, "lora_rank is 2 beside adapter 'x'; valid: one of them"),
        ({"dtype": "int8"}, ConfigError, r"^vlm\.dtype is 'int8'; valid: float32, bfloat16, float16"),
        ({"mode": "all"}, UnknownNameError, "unknown vlm key 'mode'"),
        ({"words": "skills"}, ConfigError, r"skills need tip_x, .*; task 'toy' lacks tip_y"),
    ],
)
def test_options_that_cannot_be_met_are_refused(options, error, message):
    with pytest.raises(error, match=message):
        build(SPEC, options)


def test_a_folder_that_is_not_there_is_not_looked_for_on_the_hub(tmp_path, monkeypatch):
    (tmp_path / "runs").mkdir()
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="model 'runs/model' is no folder"):
        build(SPEC, {"model": "runs/model"})


def test_a_task_that_shows_nothing_or_has_no_words_is_refused():
    with pytest.raises(ConfigError, match="in words needs a camera; task 'toy' has none"):
        build(TaskSpec("toy", STATE, SPEC.action, (), 0.1, 50), {})
    strange = VectorSpec(("torque",), ("1",), np.array([-1.0]), np.array([1.0]))
    with pytest.raises(ConfigError, match="words exist for"):
        build(TaskSpec("toy", STATE, strange, SPEC.cameras, 0.1, 50), {})


def saved(path, pair) -> str:
    for part in pair:
        part.save_pretrained(path)
    return str(path)


def test_a_model_and_its_adapter_come_from_folders_and_those_of_another_are_refused(tmp_path):
    texts = Asking(SPEC, SHORT).examples()
    model, processor = llava(texts)
    folder = saved(tmp_path / "model", (model, processor))
    adapted = with_new_adapter(model, 2)
    with torch.no_grad():
        for name, value in adapted.named_parameters():
            if "lora_B" in name:
                value.normal_()
    adapted.save_pretrained(tmp_path / "adapter")
    short = {"max_new_tokens": 6, "temperature": 0.0, "model": folder}
    plain = build(SPEC, short)
    policy = build(SPEC, {**short, "adapter": str(tmp_path / "adapter")})
    assert plain.think([question()])[0].thought["text"] != policy.think([question()])[0].thought["text"]
    assert set(variables(policy.model)) == set(variables(adapted))
    with pytest.raises(CheckpointError, match=r"adapter '.*' (is that of another model|does not fit the model)"):
        build(SPEC, {"model": "tiny", "adapter": str(tmp_path / "adapter")})
    other = saved(tmp_path / "other", tiny.build(texts, 0, replace(SIZE, width=64)))
    with pytest.raises(CheckpointError, match=r"adapter '.*' does not fit the model: size mismatch for .*lora_A"):
        build(SPEC, {"model": other, "adapter": str(tmp_path / "adapter")})
    (tmp_path / "model" / "config.json").write_text("{")
    with pytest.raises(ConfigError, match=r"has no config\.json that can be read"):
        build(SPEC, short)
    shutil.copy(tmp_path / "adapter" / "adapter_config.json", tmp_path / "model" / "config.json")
    with pytest.raises(ConfigError, match=r"model '.*' cannot be loaded"):
        build(SPEC, short)


def test_weights_of_another_model_leave_the_old_ones_in_force():
    policy = policy_of()
    before, mine = policy.think([question()])[0].thought["text"], variables(policy.model)
    first = next(iter(mine))
    whose = r"the policy has vlm\.model 'tiny', the learner another model; set vlm\.\* under /\*\*"
    for given, message in (
        ({"x": np.zeros(2, np.float32)}, rf"weights of another model: \d+ are missing .*, 1 unknown \(x\); {whose}"),
        ({**mine, first: np.zeros((2, 2), np.float32)}, rf"have shape \(2, 2\); expected \(.*\); {whose}"),
        ({**mine, first: np.full_like(mine[first], np.nan)}, "are not finite"),
    ):
        with pytest.raises(CheckpointError, match=message):
            policy.load(given)
    assert policy.think([question()])[0].thought["text"] == before


def test_with_an_adapter_its_weights_alone_travel():
    policy = build(SPEC, {"lora_rank": 2, "max_new_tokens": 6, "temperature": 0.0})
    mine = variables(policy.model)
    assert all(".lora_" in name for name in mine)
    assert sum(value.nbytes for value in mine.values()) < 1e6
    before = policy.think([question()])[0].thought["token_ids"]
    rng = np.random.default_rng(0)
    policy.load({name: rng.normal(size=value.shape).astype(np.float32) for name, value in mine.items()})
    after = policy.think([question()])[0].thought["token_ids"]
    policy.load(mine)
    assert policy.think([question()])[0].thought["token_ids"] == before != after


def test_options_are_shown():
    assert policy_of().options == {**policy_of().options, "max_new_tokens": 6, "invalid": "no-op"}
    assert from_mapping(VlmConfig, {"thoughts": False}, "policy").thoughts is False
