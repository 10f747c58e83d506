"""``evaluate``: watches the loop run alone for a number of episodes and says how often it succeeds."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sensor_msgs.msg import Image, JointState
from std_msgs.msg import String

from vlmrl_ros.bridge import image_messages, messages, qos
from vlmrl_ros.bridge.arrivals import FILM
from vlmrl_ros.bridge.shell import Shell, run
from vlmrl_ros.core.config import option
from vlmrl_ros.core.join import PartJoin
from vlmrl_ros.core.run_directory import write_whole
from vlmrl_ros.core.spec import TaskSpec
from vlmrl_ros.core.streams import stream
from vlmrl_ros.core.types import Feedback, Intervention
from vlmrl_ros.nodes.film import Film
from vlmrl_ros.nodes.output import check_output, writing
from vlmrl_ros.policies.evaluation.statistics import bootstrap_interval, success_interval


@dataclass(frozen=True)
class EvaluateConfig:
    """Parameters of ``evaluate``."""

    episodes: int = option(100, "autonomous episodes to judge", low=1, high=1_000_000)
    output: str = option("evaluation", "directory for evaluation.json, film.mp4 and film.png")
    video: bool = option(False, "record the first episodes from film/image_raw of the bridge")
    video_episodes: int = option(5, "episodes in the video", low=1, high=1000)


class Evaluate(Shell[EvaluateConfig]):
    """Counts autonomous episodes only: one in which a person touched the arm is left out and counted apart."""

    config_type = EvaluateConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("evaluate")
        self._film: Film | None = None

    def configure(self) -> None:
        """Listen to the outcome of each step, and to the cameras where a video is wanted.

        Raises:
            RunDirectoryError: the results could not be written.
        """
        self._spec: TaskSpec | None = None
        self._task_return = 0.0
        self._touched = False
        self._episodes: list[dict[str, Any]] = []
        self._output = Path(self.config.output)
        check_output(self._output)
        self.listen(String, "spec", self._on_spec, qos.LATCHED)
        self.listen(JointState, "feedback", partial(self._on_part, "feedback"), qos.STEP)
        self.listen(JointState, "intervention", partial(self._on_part, "intervention"), qos.STEP)
        if self.config.video:
            self.listen(Image, "film/image_raw", partial(self._on_part, "film"), qos.FRAME)

    def close(self) -> None:
        """Finish the video."""
        if self._film is not None:
            self._film.close()
            self._film = None

    def _on_spec(self, message: String) -> None:
        self._spec = messages.read_spec(message, self._spec)
        self._join = PartJoin(("feedback", "intervention", *(("film",) if self.config.video else ())))

    def _on_part(self, part: str, message: Any) -> None:
        if self._spec is None:
            return
        if part == "feedback":
            value: Any = messages.read_feedback(message)
        elif part == "intervention":
            value = messages.read_intervention(message)
        else:
            value = image_messages.read_image(message, FILM)
        for _, parts in self._join.put(messages.stamp_of(message), part, value):
            self._judge(parts["feedback"], parts["intervention"], parts.get("film"))
        self.diagnostics.join(self._join)

    def _judge(self, feedback: Feedback, intervention: Intervention, frame: Any) -> None:
        if self.done.done():
            return
        if feedback.step == 0:
            self._task_return, self._touched = 0.0, False
        self._task_return += feedback.reward
        self._touched |= intervention.active
        self.diagnostics.tick()
        if frame is not None and len(self._episodes) < self.config.video_episodes:
            self._film = self._film or self._open_film()
            self._film.add(frame, feedback.last)
        if feedback.last:
            self._end_episode(feedback)

    def _open_film(self) -> Film:
        assert self._spec is not None
        self._output.mkdir(parents=True, exist_ok=True)
        return Film(self._output, 1.0 / self._spec.control_dt_s)

    def _end_episode(self, feedback: Feedback) -> None:
        if self._touched:
            self.diagnostics.count("episodes left out: not autonomous")
            return
        outcome = {"success": feedback.success, "task_return": self._task_return, "steps": feedback.step}
        self._episodes.append(outcome)
        self.diagnostics.value("episodes", len(self._episodes))
        if len(self._episodes) == self.config.episodes:
            with writing(self._output, self.fail):
                self._report()

    def _report(self) -> None:
        episodes = self._episodes
        success = success_interval(sum(e["success"] for e in episodes), len(episodes))
        task_return = bootstrap_interval([e["task_return"] for e in episodes], stream(0, "bootstrap"))
        result = {
            "task": self._spec.task if self._spec else "",
            "episodes": len(episodes),
            "success": success.mean,
            "success_low": success.low,
            "success_high": success.high,
            "task_return": task_return.mean,
            "task_return_low": task_return.low,
            "task_return_high": task_return.high,
            "mean_steps": sum(e["steps"] for e in episodes) / len(episodes),
        }
        self._output.mkdir(parents=True, exist_ok=True)
        path = write_whole(self._output / "evaluation.json", json.dumps(result, indent=2, sort_keys=True) + "\n")
        span = f"[{success.low:.2f}, {success.high:.2f}]"
        self.get_logger().info(f"success {success.mean:.2f} {span} in {len(episodes)} autonomous episodes: {path}")
        self.finish()


def main() -> None:
    """Entry point."""
    sys.exit(run(Evaluate, "Judges autonomous episodes of the running loop.", EvaluateConfig))
