"""Two runs with one seed end in the same checkpoint, hash for hash."""

from __future__ import annotations

from pathlib import Path

from vlmrl_ros.nodes.bench.figures import YES, Figures
from vlmrl_ros.nodes.bench.launched import train

STEPS, QUICK_STEPS = 1500, 400
MARKS = {"hash_equal": YES, "other_seed_differs": YES}
NO_EVALUATION = {"learner": {"eval_task": "", "final_eval_episodes": 0}}


def measure(quick: bool, work: Path) -> Figures:
    """Train twice with ``sync:=true`` and compare the checkpoints; a third run with another seed must differ.

    Returns:
        ``hash_equal`` and ``other_seed_differs``, 1 or 0.
    """
    steps = QUICK_STEPS if quick else STEPS
    hashes = []
    for name, seed in (("first", 0), ("second", 0), ("other_seed", 1)):
        arguments = {"seed": seed, "max_steps": steps, "demonstrations": 3, "sync": "true"}
        run = train(work, name, arguments, NO_EVALUATION, timeout_s=300)
        hashes.append(run.summary["checkpoint_sha256"])
    first, second, other = hashes
    return {"hash_equal": float(first == second), "other_seed_differs": float(first != other)}
