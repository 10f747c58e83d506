"""MuJoCo's interactive viewer beside a running task (``headless:=false``)."""

from __future__ import annotations

import os
from types import TracebackType

from vlmrl_ros.core.errors import RenderError
from vlmrl_ros.sim.task import ArmTask

_LOOK_AT_M = (0.45, 0.0, 0.15)


class Viewer:
    """Shows an arm task; the task keeps stepping itself. Close it before the task."""

    def __init__(self, task: ArmTask) -> None:
        """Open the window.

        Raises:
            RenderError: no display, or the task has no MuJoCo model of our own.
        """
        if not isinstance(task, ArmTask):
            raise RenderError(
                f"the viewer shows arm tasks only; task '{task.spec.task}' opens no window: use headless:=true"
            )
        if not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
            raise RenderError(
                "headless:=false needs a display, and neither DISPLAY nor WAYLAND_DISPLAY is set; use headless:=true"
            )
        from mujoco import viewer  # opens GLFW on import

        self._handle = viewer.launch_passive(task.robot.model, task.robot.data, show_left_ui=False, show_right_ui=False)
        with self._handle.lock():
            self._handle.cam.lookat[:] = _LOOK_AT_M
            self._handle.cam.distance, self._handle.cam.azimuth, self._handle.cam.elevation = 1.1, 150.0, -25.0

    def sync(self) -> None:
        """Show the present state; call it once a control step."""
        self._handle.sync()

    def is_running(self) -> bool:
        """The user has not closed the window."""
        return bool(self._handle.is_running())

    def close(self) -> None:
        """Close the window."""
        self._handle.close()

    def __enter__(self) -> Viewer:
        """Use it in a ``with`` block."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close at the end of the block."""
        self.close()
