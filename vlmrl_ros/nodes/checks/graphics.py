"""Does OpenGL render a frame?"""

from __future__ import annotations

import os

from vlmrl_ros.nodes.checks.finding import Finding, ProbeError, failed, ok, probe, warning

TIMEOUT_S = 60.0
SLOW_MS = 20.0
FIX = "apt install libegl1 libegl-mesa0 libgl1-mesa-dri libgles2, and MUJOCO_GL=egl; training on states works without"


def check() -> list[Finding]:
    """Render in a process of its own, with the backend that the launch files would take."""
    backend = os.environ.get("MUJOCO_GL") or ("glfw" if "DISPLAY" in os.environ else "egl")
    try:
        found = probe("vlmrl_ros.nodes.checks.render_probe", TIMEOUT_S, env={**os.environ, "MUJOCO_GL": backend})
    except ProbeError as error:
        return [failed("rendering", f"MUJOCO_GL={backend}: {error}"[:300], FIX)]
    text = f"MUJOCO_GL={backend}, {found['size']} px in {found['ms']:.1f} ms, {found['colours']} colours"
    if found["colours"] < 2:
        return [failed("rendering", f"{text}: the frame is empty", FIX)]
    if found["ms"] > SLOW_MS:
        return [
            warning("rendering", text, "a camera costs more than a control step can spare; use a GPU driver for EGL")
        ]
    return [ok("rendering", text)]
