"""The directory that results go to: seen before the first episode, and what is wrong with it in one line."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from vlmrl_ros.core.errors import RunDirectoryError


def check_output(directory: Path) -> None:
    """See that files can be written into a directory; what is made for this is taken away again.

    Raises:
        RunDirectoryError: they cannot.
    """
    missing: list[Path] = []
    try:
        missing += (path for path in (directory, *directory.parents) if not path.exists())
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise _unwritable(directory, error) from error
    finally:
        for path in missing:
            with contextlib.suppress(OSError):
                path.rmdir()


@contextlib.contextmanager
def writing(directory: Path, fail: Callable[[Exception], None]) -> Iterator[None]:
    """Write results; where the disk does not take them, the node fails and does not wait for another message."""
    try:
        yield
    except OSError as error:
        fail(_unwritable(directory, error))


def _unwritable(directory: Path, error: OSError) -> RunDirectoryError:
    return RunDirectoryError(f"output '{directory}' cannot be written: {error.strerror or error}")
