"""A joystick that SDL takes for real, played by a script: SDL's own virtual device, in the process that reads it.

In a test of the same process use :class:`VirtualJoystick`. To play one to a program, such as a node, run the program
through this file and write one JSON object per line to its standard input::

    python tests/fakes/virtual_joystick.py some.module:main [arguments of the program]

    {"axes": [0.0, -1.0], "buttons": [0, 0, 0, 0, 0, 1]}     move and press; what is left out stays as it is
    {"after_s": 0.5, "buttons": [0, 0, 0, 0, 0, 0]}          the same, half a second after the line before
    {"attached": false}                                      pull the plug; true plugs it in again

Axes are in SDL's sense: +1 is right, down, or a pressed trigger.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame

_GAME_CONTROLLER = 1
_HAT_BITS = {(0, 1): 1, (1, 1): 3, (1, 0): 2, (1, -1): 6, (0, -1): 4, (-1, -1): 12, (-1, 0): 8, (-1, 1): 9, (0, 0): 0}


class VirtualJoystick:
    """A game pad of 6 axes, 11 buttons and a hat; the last two axes are triggers."""

    def __init__(self, axes: int = 6, buttons: int = 11, hats: int = 1) -> None:
        """Plug it in."""
        pygame.display.init()
        pygame.joystick.init()
        maps = Path("/proc/self/maps").read_text().splitlines()
        self._sdl = ctypes.CDLL(next(line.split()[-1] for line in maps if "libSDL2-2" in line))
        self._sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self._shape = (axes, buttons, hats)
        self._index: int | None = None
        self.attach()

    def attach(self) -> None:
        """Plug it in, all at rest."""
        if self._index is None:
            self._index = self._sdl.SDL_JoystickAttachVirtual(_GAME_CONTROLLER, *self._shape)
            self._handle = ctypes.c_void_p(self._sdl.SDL_JoystickOpen(self._index))

    def detach(self) -> None:
        """Pull the plug."""
        if self._index is not None:
            self._sdl.SDL_JoystickClose(self._handle)
            self._sdl.SDL_JoystickDetachVirtual(self._index)
            self._index = None

    def play(self, axes: Sequence[float] = (), buttons: Sequence[int] = (), hat: Sequence[int] | None = None) -> None:
        """Move and press; SDL hears of it when it is next asked.

        Args:
            axes: the first axes, in [-1, 1].
            buttons: the first buttons, 0 or 1.
            hat: right and up, each -1, 0 or 1.
        """
        for i, value in enumerate(axes):
            self._sdl.SDL_JoystickSetVirtualAxis(
                self._handle,
                i,
                ctypes.c_int16(max(round(value * 32768), -32768) if value < 0 else round(value * 32767)),
            )
        for i, down in enumerate(buttons):
            self._sdl.SDL_JoystickSetVirtualButton(self._handle, i, ctypes.c_uint8(down))
        if hat is not None:
            self._sdl.SDL_JoystickSetVirtualHat(self._handle, 0, ctypes.c_uint8(_HAT_BITS[hat[0], hat[1]]))

    def follow(self, lines: Iterable[str]) -> None:
        """Play a script, line by line; see the top of this file."""
        pause = threading.Event()
        for line in lines:
            act = json.loads(line)
            pause.wait(act.pop("after_s", 0.0))
            attached = act.pop("attached", None)
            if attached is not None:
                self.attach() if attached else self.detach()
            self.play(**act)


def main() -> None:
    """Play standard input to the program named on the command line."""
    module, _, function = sys.argv[1].partition(":")
    program = importlib.import_module(module)  # first of all: importing rclpy may start the process anew
    sys.argv = [module, *sys.argv[2:]]
    joystick = VirtualJoystick()
    threading.Thread(target=joystick.follow, args=(sys.stdin,), daemon=True).start()
    sys.exit(getattr(program, function)())


if __name__ == "__main__":
    main()
