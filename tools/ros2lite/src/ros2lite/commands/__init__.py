"""The commands of `ros2`: each module has `add_arguments(parser)`, which sets `main(arguments) -> exit code`."""

from __future__ import annotations
