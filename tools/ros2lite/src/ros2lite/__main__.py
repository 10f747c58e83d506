"""`python -m ros2lite` is `ros2`."""

from __future__ import annotations

import sys

from ros2lite.cli import main

sys.exit(main())
