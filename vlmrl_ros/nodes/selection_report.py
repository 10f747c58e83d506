"""What people and tools are told of a selection: a table, a picture, ``selection.json``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console
from rich.table import Table

from vlmrl_ros.core.candidates import Candidate
from vlmrl_ros.core.run_directory import write_whole
from vlmrl_ros.core.selection_file import FILE
from vlmrl_ros.nodes.decision import Decision, Question
from vlmrl_ros.nodes.trials import Trial
from vlmrl_ros.policies.evaluation.plots import plot_mixture
from vlmrl_ros.policies.evaluation.statistics import success_interval

PICTURE = "selection.png"


class Report:
    """Collects what came out and writes it down as soon as it is decided."""

    def __init__(
        self, output: Path, candidates: Mapping[str, Candidate], plain: Mapping[str, Any] | None = None
    ) -> None:
        """Write nothing yet.

        Args:
            output: directory; made when there is something to write.
            candidates: by name.
            plain: what the file said of a decision that was made before; None: none was.
        """
        self._output, self._candidates = output, candidates
        self._plain = dict(plain or {})
        self.broken: Mapping[str, str] = {}
        """What is wrong with those that cannot be loaded."""

    def decided(
        self, question: Question, decision: Decision, returns: Sequence[Sequence[float]], about: Mapping[str, str]
    ) -> None:
        """Print the table and the certificate, write file and picture.

        Args:
            question: what was decided.
            decision: what came out.
            returns: of each candidate's trials.
            about: what the file says besides: ``outcome``, what a trial counted for, and ``policy``, what instructions
                were told to.
        """
        rows = [self._row(arm, name, decision, returns[arm]) for arm, name in enumerate(self._candidates)]
        self._plain = {
            "learner": question.learner,
            "options": question.in_force,
            **about,
            "incumbent": question.incumbent or None,
            "candidates": rows,
            **decision.to_plain(),
        }
        console = Console(width=110, highlight=False)
        console.print(_table(rows, question.incumbent))
        for line in verdict(decision, question):
            console.print(line, soft_wrap=True)
        self._write()
        title = f"{question.learner}: {len(rows)} candidates"
        certain = decision.incumbent if decision.stays else decision.selection
        assert certain is not None
        means, shares = ([row[key] for row in rows] for key in ("mean", "probability"))
        failed = [not row["loaded"] for row in rows]
        names = list(self._candidates)
        plot_mixture(self._output / PICTURE, names, means, shares, failed, certain.certificate, title)

    def ended(self, deployed: Sequence[Trial]) -> Path:
        """Write down what the mixture did; returns the file."""
        if deployed:
            successes = success_interval(sum(trial.success for trial in deployed), len(deployed))
            names = list(self._candidates)
            self._plain["deployed"] = {
                "episodes": len(deployed),
                "success": successes.mean,
                "success_low": successes.low,
                "success_high": successes.high,
                "task_return": float(np.mean([trial.task_return for trial in deployed])),
                "drawn": dict(Counter(names[trial.arm] for trial in deployed)),
            }
            span = f"[{successes.low:.2f}, {successes.high:.2f}]"
            print_line = f"deployed for {len(deployed)} episodes: success {successes.mean:.2f} {span}"
            Console(width=110, highlight=False).print(print_line, soft_wrap=True)
        return self._write()

    def _row(self, arm: int, name: str, decision: Decision, returns: Sequence[float]) -> dict[str, Any]:
        return {
            "name": name,
            "candidate": self._candidates[name].text,
            "loaded": name not in self.broken,
            "error": self.broken.get(name),
            "returns": list(returns),
            "mean": float(np.mean(returns)),
            "chosen": float(decision.selection.mixture[arm]),
            "probability": float(decision.deployed[arm]),
        }

    def _write(self) -> Path:
        self._output.mkdir(parents=True, exist_ok=True)
        return write_whole(self._output / FILE, json.dumps(self._plain, indent=2, sort_keys=True) + "\n")


def verdict(decision: Decision, question: Question) -> list[str]:
    """What is deployed, what is certain of it, and what to do better; one line each."""
    chosen, incumbent, sure = decision.selection, decision.incumbent, 1 - question.delta
    lines = [
        f"{question.learner}: value {chosen.value:.2f}, certificate {chosen.certificate:.2f} (the mean over draws is"
        f" above it with probability {sure:g})"
    ]
    if incumbent is not None:
        does = "stays: the certificate does not beat its own" if decision.stays else "gives way: its certificate is"
        lines.append(f"incumbent {question.incumbent} {does}, {incumbent.certificate:.2f}")
    if decision.advice:
        lines.append(f"better try each candidate more often: {'; '.join(decision.advice)}")
    return lines


def _table(rows: Sequence[Mapping[str, Any]], incumbent: str) -> Table:
    table = Table(title="selection")
    table.add_column("candidate")
    for column in ("trials", "mean", "chosen", "deployed"):
        table.add_column(column, justify="right")
    table.add_column("remark", overflow="fold")
    for row in rows:
        remark = f"failed: {row['error']}" if row["error"] else "incumbent" if row["name"] == incumbent else ""
        numbers = (f"{row['mean']:.2f}", f"{row['chosen']:.3f}", f"{row['probability']:.3f}")
        table.add_row(row["name"], str(len(row["returns"])), *numbers, remark)
    return table
