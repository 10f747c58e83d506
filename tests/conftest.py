from __future__ import annotations

import sys
from pathlib import Path

from hypothesis import settings

sys.path.insert(0, str(Path(__file__).parent))  # fakes

settings.register_profile("shared", deadline=None)  # other processes share the machine: a slow example is no failure
settings.load_profile("shared")
