"""``vlm_train``: the task of the documentation as it is printed there, tasks without pictures, and what goes wrong."""

from __future__ import annotations

import json
import re
import shlex
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from vlmrl_ros.core.checkpoint import read_checkpoint
from vlmrl_ros.core.spec import CameraSpec, TaskSpec, VectorSpec
from vlmrl_ros.core.thinker import Question
from vlmrl_ros.nodes import vlm_train
from vlmrl_ros.policies.vlm.loading import load_model
from vlmrl_ros.policies.vlm.policy import build

PAGE = Path(__file__).parents[3] / "docs" / "rl4vlm.md"
SHORT = ("--updates", "2", "--eval-episodes", "6", "--max-new-tokens", "12", "--num-envs", "8")
SMALL = ("--tiny", "image_size=32", "vision=stem", "vision_width=32", "width=32", "layers=1")
WORDS = """
import os, signal
from vlmrl_ros.core.text import TextObservation, TextStep

class Words:
    system_prompt = "Say a colour."
    legal_actions = ("red", "blue")

    def reset(self, seed):
        self.turn = 0
        return TextObservation(f"{self.system_prompt} Episode {seed % 3}.")

    def step(self, text):
        self.turn += 1
        success = "red" in text
        return TextStep(TextObservation("And now?"), float(success), self.turn == 2, False, {"success": success})

    def close(self):
        pass

class Free(Words):
    legal_actions = ()

class Shown(Free):
    def demonstrate(self):
        return "red it is"

class Bare:
    legal_actions = ()

class Infinite(Words):
    def step(self, text):
        return TextStep(TextObservation("And now?"), float("nan"), True, False, {})

class Stops(Words):
    steps = 0

    def step(self, text):
        Stops.steps += 1
        if Stops.steps == 300:
            os.kill(os.getpid(), signal.SIGINT)
        return super().step(text)
"""


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    """A folder of one's own, with modules of one's own; and the signals as they were."""
    before = {one: signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "guess.py").write_text(_section("python"))
    (tmp_path / "words.py").write_text(WORDS)
    yield
    for module in ("guess", "words", "cards"):
        sys.modules.pop(module, None)
    for one, handler in before.items():
        signal.signal(one, handler)


def _section(language: str, heading: str = "Your own task") -> str:
    """The block of code in this language of a section, by default that on tasks of one's own."""
    section = PAGE.read_text(encoding="utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found
    return found[1]


def run(monkeypatch, *arguments: str) -> dict:
    """The command; its summary."""
    monkeypatch.setattr(sys, "argv", ["vlm_train", *arguments])
    vlm_train.main()
    return json.loads(Path(arguments[1], "summary.json").read_text())


def refused(monkeypatch, *arguments: str) -> str:
    with pytest.raises(SystemExit) as ended:
        run(monkeypatch, *arguments)
    return str(ended.value)


def test_the_task_of_the_documentation_is_learned_by_the_commands_there(tmp_path, monkeypatch):
    lines = _section("sh").splitlines()
    assert all(line.startswith("ros2 run vlmrl_ros vlm_train guess:Guess runs/") for line in lines)
    form, guess = (run(monkeypatch, *shlex.split(line)[4:], *SHORT) for line in lines)
    assert (form["learner"], guess["learner"]) == ("vlm_sft", "vlm_ppo")
    for found in (form, guess):
        assert (found["task"], found["updates"], found["interrupted"]) == ("guess:Guess", 2, False)
        assert found["final"]["greedy"]["episodes"] == found["final"]["sampled"]["episodes"] == 6
        assert read_checkpoint(Path(found["checkpoint"]))["learner"] == found["learner"]
    assert guess["metrics"]["first_ratio_error"] < 1e-3
    config = yaml.safe_load((tmp_path / "runs/guess/config.yaml").read_text())["vlm_train"]
    assert (config["task"], config["vlm_ppo"]["learning_rate"]) == ("guess:Guess", 3e-4)
    for file in ("episodes.json", "run.json", "plots/return.png"):
        assert (tmp_path / "runs/guess" / file).is_file()


def test_a_card_game_of_the_documentation_is_shown_by_the_command_there(tmp_path, monkeypatch):
    (tmp_path / "cards.py").write_text(_section("python", "The card games"))
    line = shlex.split(_section("sh", "The card games"))
    assert line[:4] == ["ros2", "run", "vlmrl_ros", "vlm_train"]
    found = run(monkeypatch, *line[4:], "--updates", "1", "--eval-episodes", "2", "--max-new-tokens", "8")
    assert (found["task"], found["learner"], found["updates"]) == ("cards:line", "vlm_sft", 1)
    assert found["metrics"]["loss"] < 7.0, "answers as the prompt asks for them"


def test_what_it_leaves_is_a_model_of_the_policy_vlm(monkeypatch):
    taught = run(monkeypatch, "words:Words", "run", *SHORT, *SMALL, "context=1024", "--learner", "vlm_sft")
    high = np.full(3, 0.1, np.float32)
    axes = VectorSpec(("linear_x", "linear_y", "linear_z"), ("m/s",) * 3, -high, high)
    state = VectorSpec(("tip_x",), ("m",), np.array([-1.0]), np.array([1.0]))
    spec = TaskSpec("toy", state, axes, (CameraSpec("front", 32, 32),), 0.1, 50)
    policy = build(spec, {"model": taught["model"], "max_new_tokens": 4})
    seen = {"state": np.zeros(1, np.float32), "front": np.zeros((32, 32, 3), np.uint8)}
    (decision,) = policy.think([Question(seen, np.random.default_rng(0), "")])
    assert "error" not in decision.thought


@pytest.mark.parametrize("learner", ["vlm_ppo", "vlm_gigpo"])
@pytest.mark.parametrize("task", ["Words", "Free"])
def test_a_task_needs_neither_pictures_nor_a_list_of_actions(learner, task, monkeypatch):
    few = {"vlm_ppo": ["turns_per_update=24"], "vlm_gigpo": ["group_size=4", "groups_per_update=1"]}[learner]
    given = ("--learner", learner, "--options", *few)
    found = run(monkeypatch, f"words:{task}", "run", *SHORT, *SMALL, *given)
    assert found["updates"] == 2
    assert found["metrics"]["first_ratio_error"] < 1e-3


def test_an_adapter_becomes_part_of_the_model(monkeypatch):
    base = run(monkeypatch, "words:Words", "base", *SHORT, *SMALL, "--learner", "vlm_sft")
    options = ("--learner", "vlm_sft", "--options", f"model={base['model']}", "lora_rank=2")
    found = run(monkeypatch, "words:Words", "run", *SHORT, *options)
    before, after = (load_model(one["model"], "float32", "cpu", (), 0)[0].state_dict() for one in (base, found))
    assert set(before) == set(after)
    changed = {name for name, weight in before.items() if not torch.equal(weight, after[name])}
    assert any("q_proj" in name for name in changed)
    assert not any("embed_tokens" in name or "vision" in name for name in changed)


def test_imitation_is_of_what_the_task_shows(monkeypatch):
    given = ("--updates", "25", "--learner", "vlm_sft", "--options", "learning_rate=0.01", "minibatch=8")
    found = run(monkeypatch, "words:Shown", "run", *SHORT, *SMALL, *given)
    assert found["task_return_first"] == 2.0, "it is shown what is right"
    assert found["final"]["greedy"]["success"] == 1.0


def test_a_run_that_is_stopped_is_whole_and_goes_on(monkeypatch):
    given = ("words:Stops", "run", *SHORT, *SMALL, "--updates", "6", "--options", "turns_per_update=80")
    stopped = run(monkeypatch, *given)
    assert stopped["interrupted"]
    assert 0 < stopped["updates"] < 6
    assert "already holds a run" in refused(monkeypatch, *given)
    assert "its seed is '0', not '1'" in refused(monkeypatch, *given, "--seed", "1", "--resume")
    whole = run(monkeypatch, *given, "--resume")
    assert (whole["updates"], whole["interrupted"]) == (6, False)
    assert whole["turns"] > stopped["turns"]
    log = json.loads(Path("run/episodes.json").read_text())
    assert len(log) == whole["episodes"] > stopped["episodes"]


@pytest.mark.parametrize(
    ("task", "given", "complaint"),
    [
        ("Words", [], r"task is 'Words'; valid: <module>:<class>"),
        ("nowhere:Words", [], "No module named 'nowhere'"),
        ("words:Nothing", [], "has no attribute 'Nothing'"),
        ("words:Bare", [], "lacks system_prompt, reset, step, close"),
        ("words:Infinite", [], "reward of .* is nan; valid: finite ones"),
        ("words:Free", ["--learner", "vlm_sft"], r"has to show answers: demonstrate\(\)"),
        ("words:Words", ["--learner", "vlm_kto"], "learner is 'vlm_kto'; valid: vlm_ppo, vlm_gigpo, vlm_sft"),
        ("words:Words", ["--options", "reward=takeovers"], "nobody takes over here; valid: task"),
        ("words:Words", ["--options", "quantisation=int8", "lora_rank=2"], "the model is written whole; valid: none"),
        ("words:Words", ["--options", "rate=1"], "unknown option of vlm_ppo 'rate'"),
        ("words:Words", ["--options", "minibatch"], "option 'minibatch' is no pair; valid: <name>=<value>"),
        ("words:Words", ["--num-envs", "0"], "num_envs is 0; valid: 1 to 1024"),
        ("words:Words", ["--options", "model=/nowhere"], "model '/nowhere' is no folder"),
        ("words:Words", ["--resume"], "holds no run to resume"),
    ],
)
def test_what_is_wrong_is_said_and_leaves_nothing(task, given, complaint, monkeypatch):
    assert re.search(complaint, refused(monkeypatch, task, "run", *SHORT, *SMALL, *given))
    assert not Path("run").exists()
