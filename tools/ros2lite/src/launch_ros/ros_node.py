"""The node of the launch itself: started when a lifecycle action needs it, stopped with the launch."""

from __future__ import annotations

import os
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from launch.launch_context import LaunchContext

_KEY = "launch_ros_node"


def get_ros_node(context: LaunchContext) -> Any:
    """The launch's `rclpy` node, spinning in a thread of its own; use it through thread-safe calls only."""
    if _KEY not in context.get_locals_as_dict():
        context.extend_globals({_KEY: _start(context)})
    return context.get_locals_as_dict()[_KEY]


def _start(context: LaunchContext) -> Any:
    import rclpy
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
    from rclpy.signals import SignalHandlerOptions

    ros = rclpy.Context()
    rclpy.init(args=[], context=ros, signal_handler_options=SignalHandlerOptions.NO)
    node = rclpy.create_node(f"launch_ros_{os.getpid()}", context=ros)
    executor = SingleThreadedExecutor(context=ros)
    executor.add_node(node)

    def spin() -> None:
        try:
            executor.spin()
        except ExternalShutdownException:
            return

    thread = threading.Thread(target=spin, name="launch_ros", daemon=True)
    thread.start()

    def stop() -> None:
        ros.try_shutdown()
        thread.join()
        executor.shutdown()
        node.destroy_node()

    context.cleanup.callback(stop)
    return node
