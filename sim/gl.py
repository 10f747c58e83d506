"""Which OpenGL backend to use, and how to do without one.

Nothing here touches a GL library until :func:`make_context` is called, so state-only runs need none.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from vlmrl_ros.core.errors import RenderError

BACKENDS = ("egl", "glfw", "osmesa")
_PACKAGES = "libegl1 libegl-mesa0 libgl1-mesa-dri libgles2 libglib2.0-0"


class GLContext(Protocol):
    """An OpenGL context of one of mujoco's backends."""

    def make_current(self) -> None:
        """Bind the context to the calling thread."""

    def free(self) -> None:
        """Release it."""


def backend() -> str:
    """The backend to use: ``MUJOCO_GL`` where it names one, else GLFW on a display and EGL without.

    Raises:
        RenderError: ``MUJOCO_GL`` holds another value.
    """
    wanted = os.environ.get("MUJOCO_GL", "").strip().lower()
    if not wanted:
        return "glfw" if os.environ.get("DISPLAY") else "egl"
    if wanted not in BACKENDS:
        raise RenderError(f"MUJOCO_GL is '{wanted}'; rendering needs one of: {', '.join(BACKENDS)}")
    return wanted


def make_context(height: int, width: int) -> GLContext:
    """An off-screen OpenGL context, current in the calling thread.

    Raises:
        RenderError: the backend is missing or refuses; the message says what to install.
    """
    name = backend()
    try:
        context: GLContext = importlib.import_module(f"mujoco.{name}").GLContext(width, height)
        context.make_current()
    except Exception as error:  # the backends raise errors of many unrelated types
        raise RenderError(missing(name, error)) from error
    return context


def adopt_backend() -> None:
    """Make mujoco's own renderer, which foreign environments use, take the same backend as ours.

    It settles on one when mujoco is first imported, and without ``MUJOCO_GL`` on one that needs a display.

    Raises:
        RenderError: the backend cannot be loaded.
    """
    name = backend()
    os.environ.setdefault("MUJOCO_GL", name)
    try:
        context = importlib.import_module(f"mujoco.{name}").GLContext
    except Exception as error:  # the backends raise errors of many unrelated types
        raise RenderError(missing(name, error)) from error
    renderer: Any = importlib.import_module("mujoco.rendering.classic.gl_context")
    renderer.GLContext = context


def missing(name: str, error: Exception) -> str:
    """One line that says why a backend failed and what to do about it."""
    reason = " ".join(str(error).split())[:200]
    return (
        f"OpenGL backend '{name}' cannot render ({type(error).__name__}: {reason}); "
        f"install it with: apt-get install {_PACKAGES}; or set MUJOCO_GL to one of: {', '.join(BACKENDS)}"
    )


@contextmanager
def without_gl() -> Iterator[None]:
    """While it lasts, importing dm_control opens no OpenGL backend (it would, and warns where there is none)."""
    before: Any = os.environ.get("MUJOCO_GL")
    os.environ["MUJOCO_GL"] = "disable"
    try:
        yield
    finally:
        if before is None:
            del os.environ["MUJOCO_GL"]
        else:
            os.environ["MUJOCO_GL"] = before
