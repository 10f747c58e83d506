"""Log files of a launch and its lines on the screen."""

from __future__ import annotations

import logging
import os
import socket
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from ros2lite.errors import Ros2LiteError
from ros2lite.screen import Screen

_SCREEN_FORMAT = "[{levelname}] [{name}]: {message}"
_FILE_FORMAT = "{created:.7f} [{levelname}] [{name}]: {message}"
_SOURCES = ("stdout", "stderr", "both")
_NAMED_OUTPUTS: dict[str, dict[str, set[str]]] = {
    "screen": {"both": {"screen"}},
    "log": {"both": {"log"}, "stderr": {"screen"}},
    "both": {"both": {"log", "screen"}},
    "own_log": {"both": {"own_log"}, "stdout": {"own_log"}, "stderr": {"own_log"}},
    "full": {"both": {"screen", "log", "own_log"}, "stdout": {"own_log"}, "stderr": {"own_log"}},
}
_DESTINATIONS = ("screen", "log", "own_log")


class LaunchConfig:
    """Where this process logs; nothing is made on disk before the first line is written."""

    def __init__(self) -> None:
        """Start with the INFO level and no files."""
        self.screen = Screen()
        self.level = logging.INFO
        self._log_dir: str | None = None

    @property
    def log_dir(self) -> str:
        """Folder of this launch's logs, made at first use below ROS_LOG_DIR, ROS_HOME/log or ~/.ros/log.

        Raises:
            Ros2LiteError: it cannot be made.
        """
        if self._log_dir is None:
            self._log_dir = _make_log_dir(_log_root())
        return self._log_dir

    @log_dir.setter
    def log_dir(self, folder: str | None) -> None:
        self._log_dir = folder


launch_config = LaunchConfig()


class _ScreenHandler(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        launch_config.screen.line(self.format(record))


class _FileHandler(logging.Handler):
    """Appends to a file of the log folder, which is opened line by line and so never held."""

    def __init__(self, file_name: str) -> None:
        super().__init__()
        self._file_name = file_name

    def emit(self, record: logging.LogRecord) -> None:
        with open(Path(launch_config.log_dir, self._file_name), "a", encoding="utf-8", errors="replace") as file:
            file.write(self.format(record) + "\n")


def get_logger(name: str | None = None) -> logging.Logger:
    """Logger that writes to the screen and to launch.log."""
    return _logger(
        name or "launch",
        [_formatted(_ScreenHandler(), _SCREEN_FORMAT), _formatted(_FileHandler("launch.log"), _FILE_FORMAT)],
    )


def get_output_loggers(process_name: str, output_config: str | dict[str, Any]) -> tuple[logging.Logger, logging.Logger]:
    """Loggers for what a process writes to stdout and stderr.

    Raises:
        Ros2LiteError: an unknown configuration, source or destination.
    """
    wanted = normalize_output(output_config)
    return tuple(  # type: ignore[return-value]
        _logger(f"{process_name}-{source}", list(_output_handlers(process_name, source, wanted)))
        for source in ("stdout", "stderr")
    )


def normalize_output(config: str | dict[str, Any]) -> dict[str, set[str]]:
    """Output configuration as destinations by source.

    Raises:
        Ros2LiteError: an unknown configuration, source or destination.
    """
    if not isinstance(config, dict):
        if config not in _NAMED_OUTPUTS:
            raise Ros2LiteError(f"output is {config!r}, expected one of {', '.join(_NAMED_OUTPUTS)} or a dict")
        return _NAMED_OUTPUTS[config]
    wanted = {source: {places} if isinstance(places, str) else set(places) for source, places in config.items()}
    for source, places in wanted.items():
        if source not in _SOURCES:
            raise Ros2LiteError(f"output source is '{source}', expected one of {', '.join(_SOURCES)}")
        for place in places - set(_DESTINATIONS):
            raise Ros2LiteError(f"output destination is '{place}', expected one of {', '.join(_DESTINATIONS)}")
    return wanted


def _output_handlers(process_name: str, source: str, wanted: dict[str, set[str]]) -> list[logging.Handler]:
    here, both = wanted.get(source, set()), wanted.get("both", set())
    handlers: list[logging.Handler] = []
    if "screen" in here | both:
        handlers.append(_ScreenHandler())
    if "log" in here | both:
        handlers.append(_formatted(_FileHandler("launch.log"), "{created:.7f} {message}"))
    if "own_log" in here:
        handlers.append(_FileHandler(f"{process_name}-{source}.log"))
    if "own_log" in both:
        handlers.append(_FileHandler(f"{process_name}.log"))
    return handlers


def _logger(name: str, handlers: list[logging.Handler]) -> logging.Logger:
    logger = logging.getLogger(name)
    logger.propagate = False
    logger.setLevel(launch_config.level)
    logger.handlers = handlers
    return logger


def _formatted(handler: logging.Handler, style: str) -> logging.Handler:
    handler.setFormatter(logging.Formatter(style, style="{"))
    return handler


def _log_root() -> Path:
    home = os.environ.get("ROS_HOME") or os.path.join("~", ".ros")
    return Path(os.environ.get("ROS_LOG_DIR") or os.path.join(home, "log")).expanduser()


def _make_log_dir(root: Path) -> str:
    now = datetime.now(timezone.utc).astimezone().strftime("%Y-%m-%d-%H-%M-%S-%f")
    folder = root / f"{now}-{socket.gethostname()}-{os.getpid()}"
    try:
        folder.mkdir(parents=True)
        latest = root / "latest"
        if latest.is_symlink() or not latest.exists():
            latest.unlink(missing_ok=True)
            latest.symlink_to(folder, target_is_directory=True)
    except FileExistsError:
        return str(folder)  # another launch made the link in between
    except OSError as error:
        raise Ros2LiteError(f"log folder '{folder}' cannot be made: {error.strerror}; set ROS_LOG_DIR") from error
    return str(folder)
