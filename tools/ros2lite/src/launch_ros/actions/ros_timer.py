"""Timers on the ROS clock."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from launch.actions import TimerAction
from launch_ros.ros_node import get_ros_node

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext


class ROSTimer(TimerAction):
    """A timer that follows `/clock` after `SetUseSimTime(True)`."""

    async def wait(self, context: LaunchContext, period_s: float) -> None:
        """See the base class."""
        node, loop = get_ros_node(context), asyncio.get_running_loop()
        over = asyncio.Event()
        timer = node.create_timer(period_s, lambda: loop.call_soon_threadsafe(over.set), clock=node.get_clock())
        try:
            await over.wait()
        finally:
            node.destroy_timer(timer)
