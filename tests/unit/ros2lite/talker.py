"""A lifecycle node with a topic, a service and parameters, for the tests of the command line."""

from __future__ import annotations

import rclpy
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException
from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import Header
from std_srvs.srv import SetBool


class Talker(LifecycleNode):
    """Publishes headers at 50 Hz from the start, and flips."""

    def __init__(self) -> None:
        super().__init__("talker")
        limits = FloatingPointRange(from_value=0.0, to_value=2.0)
        self.declare_parameter("gain", 1.5, ParameterDescriptor(description="a gain", floating_point_range=[limits]))
        self.declare_parameter("names.list", ["a", "b"])
        self._headers = self.create_publisher(Header, "chatter", 10)
        self._subscription = self.create_subscription(Header, "in", self._hear, 10)
        self._timer = self.create_timer(0.02, lambda: self._headers.publish(Header(frame_id="base")))
        self._service = self.create_service(SetBool, "flip", self._flip)

    def _hear(self, message: Header) -> None:
        self.get_logger().info(f"heard {message.frame_id} {message.stamp.sec > 0}")

    def _flip(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        response.success, response.message = request.data, "flipped"
        return response


def main() -> None:
    rclpy.init()
    try:
        rclpy.spin(Talker())
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        rclpy.try_shutdown()


if __name__ == "__main__":
    main()
