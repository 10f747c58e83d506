"""What a learner of turns is told of a task of the loop: the words and the prompts that its policy has there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from vlmrl_ros.core.asking import Asking
from vlmrl_ros.core.config import from_mapping
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.text import TextTaskSpec
from vlmrl_ros.policies.vlm.config import VlmConfig


def text_spec(spec: TaskSpec, policy_options: Mapping[str, Any]) -> TextTaskSpec:
    """The task in words.

    Args:
        spec: of the task.
        policy_options: of the policy ``vlm``, by name.

    Raises:
        UnknownNameError: an unknown option.
        ConfigError: a bad value, or a task without a camera or without words.
    """
    asking = Asking(spec, from_mapping(VlmConfig, policy_options, "vlm"))
    return TextTaskSpec(spec.task, asking.words, tuple(asking.examples()))
