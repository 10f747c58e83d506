"""Any joystick or game pad, through SDL. Axes, buttons and signs are those of ROS's ``joy_node``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.errors import DeviceError
from vlmrl_ros.core.interfaces import JoyState

# No window is wanted, and signals belong to the node: SDL would swallow SIGTERM. Both must be set before SDL starts.
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("SDL_NO_SIGNAL_HANDLERS", "1")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame

_SDL_MAX = 32767
"""Greatest axis value of SDL; its least is one further from zero."""


@dataclass(frozen=True)
class JoystickConfig:
    """Which joystick."""

    index: int = option(0, "Which of the joysticks that fit, in the order in which SDL lists them.", low=0, high=31)
    device_name: str = option("", "Part of the joystick's name, in any case; empty fits every joystick.")


class Joystick:
    """One joystick; it may come and go.

    Axes are +1 to the left and up (SDL has them the other way round), triggers +1 at rest and -1 when pressed. Each hat
    adds two axes at the end, +1 to the left and up. There is no dead zone here; it belongs to the profile.
    """

    def __init__(self, config: JoystickConfig) -> None:
        """Open the joystick.

        Args:
            config: which one.

        Raises:
            DeviceError: there is none that fits; the message lists those that exist.
        """
        self._config = config
        self._joystick: pygame.joystick.JoystickType | None = None
        pygame.display.init()
        pygame.joystick.init()
        self._pump()
        self._open()

    def read(self) -> JoyState:
        """The newest state; never blocks. A joystick that was lost is opened again as soon as it is back.

        Raises:
            DeviceError: there is no joystick that fits.
        """
        self._pump()
        stick = self._joystick or self._open()
        axes = [
            -max(round(stick.get_axis(i) * (_SDL_MAX + 1)), -_SDL_MAX) / _SDL_MAX for i in range(stick.get_numaxes())
        ]
        for i in range(stick.get_numhats()):
            right, up = stick.get_hat(i)
            axes += [-right, up]
        buttons = [stick.get_button(i) for i in range(stick.get_numbuttons())]
        return JoyState(np.array(axes, np.float32) + np.float32(0), np.array(buttons, np.int32))

    def close(self) -> None:
        """Release the joystick."""
        if self._joystick is not None:
            self._joystick.quit()
            self._joystick = None

    def _pump(self) -> None:
        """Let SDL read the devices; notice when ours is gone."""
        for event in pygame.event.get((pygame.JOYDEVICEREMOVED,)):
            if self._joystick is not None and event.instance_id == self._joystick.get_instance_id():
                self.close()
        pygame.event.clear()

    def _open(self) -> pygame.joystick.JoystickType:
        found = [pygame.joystick.Joystick(i) for i in range(pygame.joystick.get_count())]
        fitting = [stick for stick in found if self._config.device_name.lower() in stick.get_name().lower()]
        if len(fitting) <= self._config.index:
            names = ", ".join(stick.get_name() for stick in found) or "none"
            wanted = f"joystick {self._config.index}"
            named = f" with '{self._config.device_name}' in its name" if self._config.device_name else ""
            raise DeviceError(f"there is no {wanted}{named}; connected: {names}")
        self._joystick = fitting[self._config.index]
        return self._joystick


def build(config: Mapping[str, Any]) -> Joystick:
    """Open a joystick; see :class:`JoystickConfig` for the options and :class:`Joystick` for the errors."""
    return Joystick(from_mapping(JoystickConfig, config, "joystick"))
