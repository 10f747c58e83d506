"""Command line and process handling behind the `launch` and `launch_ros` stand-ins."""

from __future__ import annotations
