from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from fakes.specs import SEEING as SPEC
from fakes.vlm_models import llava
from safetensors.numpy import save

from vlmrl_ros.core.checkpoint import POLICY_FILE, write_checkpoint
from vlmrl_ros.core.thinker import Question
from vlmrl_ros.nodes.rollout import load_policy
from vlmrl_ros.nodes.vlm_model import main
from vlmrl_ros.policies.vlm.policy import build
from vlmrl_ros.policies.vlm.weights import variables

SHORT = {"max_new_tokens": 8, "temperature": 0.0}


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    """Of a run with an adapter, which has learned something."""
    for part in llava(["Which way?"]):
        part.save_pretrained(tmp_path / "base")
    options = {**SHORT, "model": str(tmp_path / "base"), "lora_rank": 2}
    rng, policy = np.random.default_rng(0), build(SPEC, options)
    learned = {
        name: rng.normal(0.0, 0.3, value.shape).astype(np.float32) for name, value in variables(policy.model).items()
    }
    about = {"policy": "vlm", "policy_options": options, "task_spec": SPEC.to_json()}
    return write_checkpoint(tmp_path, 1, {POLICY_FILE: lambda: [save(learned)]}, about, None).path


def call(monkeypatch: pytest.MonkeyPatch, *arguments: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["vlm_model", *map(str, arguments)])
    main()


def test_the_folder_says_what_the_checkpoint_says_and_takes_another_adapter(checkpoint, tmp_path, monkeypatch, capsys):
    folder = tmp_path / "whole"
    call(monkeypatch, checkpoint, folder)
    assert f"vlm.model: {folder}" in capsys.readouterr().out
    rng = np.random.default_rng(1)
    frame = rng.integers(0, 256, (32, 32, 3), dtype=np.uint8)

    def said(policy):
        observation = {"state": np.zeros(1, np.float32), "front": frame}
        return policy.think([Question(observation, rng)])[0].thought["token_ids"]

    expected = said(load_policy(checkpoint, SPEC))
    assert said(build(SPEC, {**SHORT, "model": str(folder)})) == expected
    assert said(build(SPEC, {**SHORT, "model": str(folder), "lora_rank": 4})) == expected
    assert said(build(SPEC, {**SHORT, "model": str(tmp_path / "base")})) != expected
    with pytest.raises(SystemExit, match=r"error: folder '.*' exists; valid: a new one"):
        call(monkeypatch, checkpoint, folder)


def test_what_is_no_checkpoint_of_such_a_policy_is_refused(tmp_path, monkeypatch):
    with pytest.raises(SystemExit, match=r"error: .*not a checkpoint"):
        call(monkeypatch, tmp_path, tmp_path / "whole")
    about = {"policy": "gaussian"}
    other = write_checkpoint(tmp_path, 2, {POLICY_FILE: lambda: [b""]}, about, None).path
    with pytest.raises(SystemExit, match="is of policy 'gaussian'; valid: vlm"):
        call(monkeypatch, other, tmp_path / "whole")
