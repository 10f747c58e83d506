"""``vlm_model``: the model of a checkpoint as a folder for ``vlm.model``, its adapter merged into its weights."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from rich.console import Console

from vlmrl_ros.core.checkpoint import POLICY_FILE, read_checkpoint
from vlmrl_ros.core.errors import CheckpointError, ConfigError, VlmrlError
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.nodes.rollout import load_policy

SPEAKER = "vlm"


def write_model(checkpoint: Path, folder: Path) -> None:
    """Write model and processor as transformers reads them.

    Args:
        checkpoint: of a learner of turns.
        folder: must not exist yet.

    Raises:
        CheckpointError: the checkpoint is missing or damaged, or of a policy of another kind.
        ConfigError: the folder exists, or the model is quantised.
    """
    about = read_checkpoint(checkpoint, below=POLICY_FILE)
    if about["policy"] != SPEAKER:
        raise CheckpointError(f"checkpoint '{checkpoint}' is of policy '{about['policy']}'; valid: {SPEAKER}")
    if folder.exists():
        raise ConfigError(f"folder '{folder}' exists; valid: a new one")
    from vlmrl_ros.policies.vlm.loading import save_model  # takes seconds: only where there is something to write
    from vlmrl_ros.policies.vlm.policy import VlmPolicy

    policy = load_policy(checkpoint, TaskSpec.from_json(about["task_spec"]))
    assert isinstance(policy, VlmPolicy)
    save_model(folder, policy.model, policy.processor)


def main() -> None:
    """Entry point: ``vlm_model CHECKPOINT FOLDER``."""
    parser = argparse.ArgumentParser(prog="vlm_model", description=__doc__)
    parser.add_argument("checkpoint", type=Path, help="of a run whose policy is vlm")
    parser.add_argument("folder", type=Path, help="where model and processor are written; must not exist yet")
    given = parser.parse_args()
    try:
        write_model(given.checkpoint, given.folder)
    except VlmrlError as error:
        sys.exit(f"error: {error}")
    Console(soft_wrap=True, highlight=False).print(f"vlm.model: {given.folder}", markup=False)


if __name__ == "__main__":
    main()
