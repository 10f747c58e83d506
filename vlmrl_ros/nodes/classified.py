"""A simulated task whose reward and success come from a reward classifier, as on an arm that only cameras watch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import dm_env

    from vlmrl_ros.core.interfaces import Task
    from vlmrl_ros.core.spec import CameraSpec, FloatArray
    from vlmrl_ros.policies.classifier.files import SuccessDetector


def success_detector(directory: Path, cameras: Sequence[CameraSpec]) -> SuccessDetector:
    """Read a reward classifier that is to look through these cameras; loads torch.

    Raises:
        CheckpointError: no usable classifier there.
        ConfigError: it looks at a camera that is missing, or whose frames have another size.
    """
    from vlmrl_ros.policies.classifier.files import read_classifier

    detector = read_classifier(directory)
    detector.check(cameras)
    return detector


class ClassifiedTask:
    """The task, but for what it says of success. When its episodes end stays its own business."""

    def __init__(self, task: Task, detector: SuccessDetector) -> None:
        """Put a detector of :func:`success_detector` before a task."""
        self._task, self._detector = task, detector
        self.success = False

    def __getattr__(self, name: str) -> Any:
        """Everything else is the task's."""
        return getattr(self._task, name)

    def reset(self, rng: np.random.Generator) -> dm_env.TimeStep:
        self.success = False
        return self._task.reset(rng)

    def step(self, action: FloatArray) -> dm_env.TimeStep:
        arrived = self._task.step(action)
        seen = self._detector.succeeded(arrived.observation)
        self.success |= seen
        return arrived._replace(reward=float(seen))
