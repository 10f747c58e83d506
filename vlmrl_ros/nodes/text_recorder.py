"""``text_recorder``: every whole episode of text into a bag of its own. The loop never waits for it."""

from __future__ import annotations

import queue
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

from std_msgs.msg import String

from vlmrl_ros.bridge import qos
from vlmrl_ros.bridge.bags.repair import repair_all
from vlmrl_ros.bridge.bags.text import TextBags, newest_stamp
from vlmrl_ros.bridge.shell import Shell, give_way, run
from vlmrl_ros.bridge.text_messages import read_text_spec
from vlmrl_ros.bridge.text_steps import SpokenSteps
from vlmrl_ros.core.config import option
from vlmrl_ros.core.errors import BagError
from vlmrl_ros.core.text_steps import SpokenChains, SpokenStep

STOP_TIMEOUT_S = 2.0
"""After Ctrl-C the disk has so long to take what is left."""
NICENESS = 5
"""The control loop comes first where cores are few."""


@dataclass(frozen=True)
class TextRecorderConfig:
    """Parameters of ``text_recorder``."""

    directory: str = option("runs/run/bags", "where the bags go, a folder for each episode; made where it is missing")
    continues: bool = option(
        False, "take the place of a recorder that was killed: what is in the bags already is not recorded again"
    )


class TextRecorder(Shell[TextRecorderConfig]):
    """Collects the steps of each episode and hands them, when it has ended, to a thread that writes."""

    config_type = TextRecorderConfig

    def __init__(self) -> None:
        """Declare the parameters."""
        super().__init__("text_recorder")
        self._thread: threading.Thread | None = None

    def configure(self) -> None:
        """Close what was left open, then listen; the first spec says what is recorded.

        Raises:
            BagError: the directory cannot be written.
        """
        self._directory = Path(self.config.directory).expanduser()
        try:
            self._directory.mkdir(parents=True, exist_ok=True)
            repair_all(self._directory, self.get_logger().info)
        except OSError as error:
            raise BagError(f"bags cannot be written to '{self._directory}': {error.strerror}") from error
        self._chains = SpokenChains()
        self._bags: TextBags | None = None
        self._ended: queue.SimpleQueue[tuple[SpokenStep, ...] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="recording", daemon=True)
        self._thread.start()
        after_ns = newest_stamp(self._directory) if self.config.continues else -1
        self._steps = SpokenSteps(self, self._on_step, lambda stamp_ns: None, after_ns)
        self.listen(String, "spec", self._on_spec, qos.LATCHED)

    def close(self) -> None:
        """Write what has ended."""
        if self._thread is not None:
            self._ended.put(None)
            self._thread.join(STOP_TIMEOUT_S)
            self._thread = None

    def _on_spec(self, message: String) -> None:
        """A bridge has started, or has started again."""
        task, _ = read_text_spec(message)
        if self._bags is None:
            self._bags = TextBags(self._directory, task)
        else:
            self._steps.reset()
            self._chains.reset()

    def _on_step(self, step: SpokenStep) -> None:
        whole = self._chains.append(step)
        self.diagnostics.value("episodes lost", self._chains.broken)
        if whole is not None:
            self._ended.put(whole)

    def _write(self) -> None:
        """Take episodes to the disk, in a thread of its own; one that it does not take is dropped and counted."""
        while (steps := self._ended.get()) is not None:
            if self._bags is None:
                self.diagnostics.count("episodes of no known task")
                continue
            try:
                self._bags.write(steps, {"success": steps[-1].feedback.success})
                self.diagnostics.count("episodes written")
                self.diagnostics.problem("")
            except OSError as error:
                self.diagnostics.count("episodes dropped")
                self.diagnostics.problem(f"'{self._directory}' cannot be written: {error.strerror}")


def main() -> None:
    """Entry point."""
    give_way(NICENESS)
    sys.exit(run(TextRecorder, "Records every whole episode of text into a bag.", TextRecorderConfig))
