"""A SpaceMouse, read through hidapi; needs no driver."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from vlmrl_ros.core.config import from_mapping, option
from vlmrl_ros.core.errors import DeviceError
from vlmrl_ros.core.interfaces import JoyState
from vlmrl_ros.teleop.devices.spacemouse_report import MODELS, CapState, decode, joy_state

_REPORT_SIZE = 64
"""Greatest report of a full-speed USB device, bytes; those of a SpaceMouse have 3 to 13."""

_MULTI_AXIS = (0x01, 0x08)
"""HID usage page and usage of the interface that reports the cap; receivers have others too."""


class HidBackend(Protocol):
    """The part of the ``hid`` module that is used."""

    def enumerate(self, vendor_id: int, product_id: int) -> list[dict[str, Any]]:
        """The connected devices."""

    def device(self) -> Any:
        """A handle with ``open_path``, ``set_nonblocking``, ``read`` and ``close``."""


@dataclass(frozen=True)
class SpaceMouseConfig:
    """Which SpaceMouse."""

    index: int = option(0, "Which of the connected SpaceMice, in the order of their paths.", low=0, high=31)


class SpaceMouse:
    """One SpaceMouse; it may come and go."""

    def __init__(self, config: SpaceMouseConfig, backend: HidBackend) -> None:
        """Open the device.

        Args:
            config: which one.
            backend: the ``hid`` module.

        Raises:
            DeviceError: there is none, or it may not be read; the message says what to do.
        """
        self._config = config
        self._backend = backend
        self._handle: Any = None
        self._state = CapState()
        self._open()

    def read(self) -> JoyState:
        """The newest state; never blocks. A device that was lost is opened again as soon as it is back.

        Raises:
            DeviceError: the device is gone.
        """
        if self._handle is None:
            self._open()
        try:
            while report := self._handle.read(_REPORT_SIZE):
                self._state = decode(bytes(report), self._state)
        except (OSError, ValueError) as error:
            self.close()
            raise DeviceError(f"the {self._model.name} was lost: {error}") from error
        return joy_state(self._state, self._model.buttons)

    def close(self) -> None:
        """Release the device."""
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def _open(self) -> None:
        found = [item for item in self._backend.enumerate(0, 0) if (item["vendor_id"], item["product_id"]) in MODELS]
        caps = [item for item in found if (item.get("usage_page"), item.get("usage")) == _MULTI_AXIS] or found
        caps.sort(key=lambda item: item["path"])
        if len(caps) <= self._config.index:
            names = ", ".join(MODELS[item["vendor_id"], item["product_id"]].name for item in caps) or "none"
            raise DeviceError(f"there is no SpaceMouse {self._config.index}; connected: {names}")
        chosen = caps[self._config.index]
        self._model = MODELS[chosen["vendor_id"], chosen["product_id"]]
        self._state = CapState()
        handle = self._backend.device()
        try:
            handle.open_path(chosen["path"])
            handle.set_nonblocking(1)
        except (OSError, ValueError) as error:
            raise DeviceError(self._refused(chosen, error)) from error
        self._handle = handle

    def _refused(self, item: Mapping[str, Any], error: Exception) -> str:
        place = os.fsdecode(item["path"])
        message = f"the {self._model.name} at {place} cannot be opened: {error}"
        if os.path.exists(place):
            kind = f"*:{item['vendor_id']:04X}:{item['product_id']:04X}.*"
            rule = f'KERNEL=="hidraw*", KERNELS=="{kind}", MODE="0660", TAG+="uaccess"'
            message += (
                f"; to be allowed to, put the line {rule} into /etc/udev/rules.d/70-spacemouse.rules and replug it"
            )
        return message


def build(config: Mapping[str, Any]) -> SpaceMouse:
    """Open a SpaceMouse; see :class:`SpaceMouseConfig` for the options and :class:`SpaceMouse` for the errors."""
    import hid

    return SpaceMouse(from_mapping(SpaceMouseConfig, config, "spacemouse"), hid)
