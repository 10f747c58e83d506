"""Evaluates checkpoints in a process of its own, so that neither the arm nor the learner waits for it."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from vlmrl_ros.core.errors import VlmrlError

FRESH_SEED_OFFSET = 500_009


@dataclass(frozen=True)
class Evaluation:
    """Autonomous episodes of one checkpoint.

    Attributes:
        step: learning steps of the checkpoint.
        checkpoint: its directory.
        successes: bool of each episode.
        returns: sum of the task reward of each episode.
        values: the same, discounted.
    """

    step: int
    checkpoint: str
    successes: tuple[bool, ...]
    returns: tuple[float, ...]
    values: tuple[float, ...]

    @property
    def success(self) -> float:
        """Share of successful episodes."""
        return sum(self.successes) / len(self.successes)

    @property
    def value(self) -> float:
        """Mean discounted return: an unbiased estimate of V_pi over the starts of the task."""
        return sum(self.values) / len(self.values)


class Evaluator:
    """Sends checkpoints to a child process and collects the answers without waiting."""

    def __init__(self, task: str, task_options: Mapping[str, Any], seed: int, log: Path, discount: float = 1.0) -> None:
        """Start the child.

        Args:
            task: name of the task.
            task_options: its options.
            seed: of the evaluation episodes; each checkpoint meets the same ones.
            log: file for what the child says on stderr.
            discount: of a reward one step later, in the values.
        """
        self._request = {"task": task, "task_options": dict(task_options), "seed": seed, "discount": discount}
        self._log: IO[bytes] = open(log, "ab")  # noqa: SIM115 - the child's, until close
        self._child = subprocess.Popen(
            [sys.executable, "-m", "vlmrl_ros.nodes.rollout"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            start_new_session=True,  # Ctrl-C is for the learner, which ends its child itself
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._asked: list[tuple[int, str]] = []
        self._answers: queue.Queue[str | None] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def ask(self, step: int, checkpoint: Path, episodes: int, fresh: bool = False) -> None:
        """Evaluate a checkpoint; the answer comes from :meth:`collect`.

        Args:
            step: learning steps of the checkpoint.
            checkpoint: its directory.
            episodes: how many.
            fresh: meet episodes that no other evaluation has met, so that a choice made by those does not flatter.
        """
        seed = int(self._request["seed"]) + (FRESH_SEED_OFFSET if fresh else 0)
        request = {**self._request, "seed": seed, "checkpoint": str(checkpoint), "episodes": episodes}
        self._asked.append((step, str(checkpoint)))
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(request) + "\n")
            self._child.stdin.flush()
        except BrokenPipeError as error:
            raise VlmrlError(f"the evaluation process has died; see {self._log.name}") from error

    def collect(self, wait_s: float = 0.0) -> list[Evaluation]:
        """The evaluations that are finished.

        Args:
            wait_s: wait so long for the next one, if any is under way.

        Raises:
            VlmrlError: the child failed or has died.
        """
        done: list[Evaluation] = []
        while self._asked:
            try:
                answer = self._answers.get(block=wait_s > 0 and not done, timeout=wait_s or None)
            except queue.Empty:
                break
            done.append(self._evaluation(answer))
        return done

    @property
    def waiting(self) -> list[Path]:
        """The checkpoints whose evaluation is under way."""
        return [Path(checkpoint) for _, checkpoint in self._asked]

    def close(self) -> None:
        """End the child."""
        self._child.kill()
        self._child.wait()
        assert self._child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # a request that it never read
            self._child.stdin.close()
        self._log.close()

    def _read(self) -> None:
        assert self._child.stdout is not None
        for line in self._child.stdout:
            self._answers.put(line)
        self._answers.put(None)

    def _evaluation(self, answer: str | None) -> Evaluation:
        if answer is None:
            self._answers.put(None)  # dead for good: nobody waits for it again
            raise VlmrlError(f"the evaluation process has died; see {self._log.name}")
        plain = json.loads(answer)
        if "error" in plain:
            raise VlmrlError(f"evaluation failed: {plain['error']}")
        step, checkpoint = self._asked.pop(0)
        episodes = plain["episodes"]
        columns = (tuple(e[name] for e in episodes) for name in ("success", "task_return", "value"))
        return Evaluation(step, checkpoint, *columns)


def best_of(evaluations: Sequence[Evaluation]) -> Evaluation | None:
    """The evaluation of the checkpoint to keep: best together with the one before it, the later one if several are.

    A policy that learns off-policy swings; two good evaluations in a row say more than one.

    Args:
        evaluations: in order of step.

    Returns:
        one whose checkpoint is still there; None where there is none.
    """
    before = (0.0, *(evaluation.success for evaluation in evaluations))
    pairs = [pair for pair in zip(before, evaluations, strict=False) if Path(pair[1].checkpoint).is_dir()]
    return max(pairs, key=lambda pair: (pair[0] + pair[1].success, pair[1].step))[1] if pairs else None
