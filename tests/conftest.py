from __future__ import annotations

import os
import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # fakes

os.environ.setdefault("OMP_NUM_THREADS", "1")  # as in every node: threads that wait for a busy core gain nothing
settings.register_profile("shared", deadline=None)  # other processes share the machine: a slow example is no failure
settings.load_profile("shared")
