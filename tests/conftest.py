from __future__ import annotations

from hypothesis import settings

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # fakes

settings.register_profile("shared", deadline=None)  # other processes share the machine: a slow example is no failure
settings.load_profile("shared")
