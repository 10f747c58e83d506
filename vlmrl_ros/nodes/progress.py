"""Progress for people: one live line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from rich.console import Console
from rich.live import Live
from rich.text import Text

from vlmrl_ros.core.episode_log import EpisodeRecord

if TYPE_CHECKING:
    from vlmrl_ros.nodes.learning_run import LearningRun

LIVE_PERIOD_S = 0.25
PLAIN_PERIOD_S = 10.0
RECENT = 20
"""Episodes over which takeovers and success are shown."""


class Progress:
    """Shows how a learning run goes; called from the worker thread."""

    def __init__(
        self, max_steps: int, say: Callable[[str], None], arms: Sequence[str] = ("",), evaluate_with: str = ""
    ) -> None:
        """Look for a terminal.

        Args:
            max_steps: steps of the whole run.
            say: writes a plain line, for example to the log.
            arms: names of the arms of a fleet.
            evaluate_with: launch arguments besides the checkpoint in the command that evaluates it.
        """
        self._max_steps = max_steps
        self._say = say
        self._arms = arms
        self._evaluate_with = evaluate_with
        self._next_s = 0.0
        self._end_told = False
        self._started_s: float | None = None
        self._terminal = _terminal()
        self._live: Live | None = None
        if self._terminal is not None:
            console = Console(file=self._terminal, force_terminal=True)
            self._live = Live(Text(""), console=console, auto_refresh=False, transient=True)

    def show(self, run: LearningRun) -> None:
        """Show the state of the run, not too often, and its end once."""
        now_s = time.monotonic()
        if self._end_told or (now_s < self._next_s and not run.finished):
            return
        self._end_told = run.finished
        if self._started_s is None:
            self._started_s = now_s
            if self._live is not None:
                self._live.start()
        self._next_s = now_s + (PLAIN_PERIOD_S if self._live is None else LIVE_PERIOD_S)
        self._write(self._line(run, now_s - self._started_s))

    def end(self, run: LearningRun) -> None:
        """Say what came out and what to do next."""
        self.close()
        summary = run.summary
        final = summary.get("final")
        if final is not None:
            span = f"[{final['success_low']:.2f}, {final['success_high']:.2f}]"
            judged = f"in {final['episodes']} fresh episodes of the best checkpoint (step {final['step']})"
            self._say(f"success without help: {final['success']:.2f} {span} {judged}")
        self._say(f"results: {run.path / 'summary.json'}, pictures: {run.path / 'plots'}")
        if "best_checkpoint" in summary:
            self._say(
                f"watch it: {_evaluating(summary['best_checkpoint'], run.plan.eval_task_options, self._evaluate_with)}"
            )

    def close(self) -> None:
        """Take the live line away."""
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _write(self, line: str) -> None:
        if self._live is None:
            self._say(line)
        else:
            self._live.update(Text(line), refresh=True)

    def _line(self, run: LearningRun, elapsed_s: float) -> str:
        training = run.training
        if not training.steps:
            return f"demonstrations: {training.demonstrations} shown, {training.demonstrations_failed} failed"
        online = training.log.online()
        parts = [f"step {training.steps}/{self._max_steps}", f"{elapsed_s:.0f} s", f"updates {training.updates}"]
        parts += _fading(online, self._arms)
        if run.evaluations:
            newest = run.evaluations[-1]
            parts.append(f"success without help {newest.success:.2f} at step {newest.step}")
        if said := run.experience.line():
            parts.append(f"said: {said}")
        return "  ".join([*parts, "evaluating ..."] if run.finished and run.plan.evaluates else parts)


def _evaluating(checkpoint: str, task_options: Mapping[str, Any], given: str) -> str:
    """The command that evaluates a checkpoint on what it was trained on, as far as launch arguments say it."""
    others = sorted(name for name in task_options if name != "observation")  # which the checkpoint says itself
    more = f" {given}" if given else ""
    again = f" params_file:=<one with the same {', '.join(others)} of the task>" if others else ""
    return f"ros2 launch vlmrl_ros eval.launch.py checkpoint:={checkpoint}{more}{again}"


def _fading(online: Sequence[EpisodeRecord], arms: Sequence[str]) -> list[str]:
    """Takeovers per episode, of late, and in a fleet those of each arm."""
    if not online:
        return []
    text = f"takeovers per episode {_takeovers(online[-RECENT:]):.2f}"
    if len(arms) == 1:
        return [text]
    of_arm = [[record for record in online if record.arm == arm][-RECENT:] for arm in range(len(arms))]
    each = [
        f"{name} {_takeovers(recent):.2f}" if recent else f"{name} -" for name, recent in zip(arms, of_arm, strict=True)
    ]
    return [f"{text} ({', '.join(each)})"]


def _takeovers(records: Sequence[EpisodeRecord]) -> float:
    return sum(record.takeovers for record in records) / len(records)


def _terminal() -> TextIO | None:
    """The terminal that the program was started from, also below a launch file; None where there is none."""
    if "CI" in os.environ:
        return None
    try:
        return open("/dev/tty", "w", encoding="utf-8")
    except OSError:
        return None
