"""Files that a message names: read only below one directory, whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from vlmrl_ros.core.errors import RangeError

MAX_URI = 4096
"""Longest URI that is parsed, characters."""


def uri_of(path: Path) -> str:
    """The ``file:`` URI of a path."""
    return f"file://{quote(str(path.resolve()))}"


def read_confined(uri: str, root: Path | None, max_bytes: int) -> bytes:
    """Read the whole file that a URI names.

    Symbolic links are resolved before the file is opened, and what was opened is looked at again, so that a link that
    is put in between leads nowhere. The size is known before anything is allocated; a file that grows or shrinks while
    it is read is refused.

    Args:
        uri: ``file:///absolute/path``.
        root: the directory that the file must lie below; None where no file is allowed.
        max_bytes: the largest file that is read.

    Returns:
        its content.

    Raises:
        RangeError: no root, another scheme or host, a path out of the root, not a regular file, too large, or changed
            while it was read.
        OSError: it cannot be read.
    """
    if root is None:
        raise RangeError("files are not read here; the parameter weights_root names the directory that may be read")
    base = _real(root)
    path = _real(_path_of(uri))
    _check_below(path, base)
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        _check_below(_real(Path(f"/proc/self/fd/{descriptor}"), strict=False), base)
        about = os.fstat(descriptor)
        if not stat.S_ISREG(about.st_mode):
            raise RangeError(f"'{path}' is not a regular file")
        if about.st_size > max_bytes:
            raise RangeError(f"'{path}' has {about.st_size} bytes; the most that is read is {max_bytes}")
        return _read_exactly(descriptor, about.st_size, path)
    finally:
        os.close(descriptor)


def _real(path: Path, strict: bool = True) -> Path:
    """With every symbolic link resolved; a loop of links is an OSError."""
    return Path(os.path.realpath(path, strict=strict))


def _path_of(uri: str) -> Path:
    if len(uri) > MAX_URI:
        raise RangeError(f"a URI of {len(uri)} characters; the most that is read is {MAX_URI}")
    try:
        parts = urlsplit(uri)
        path = unquote(parts.path, errors="strict")
    except ValueError as error:
        raise RangeError(f"not a URI: {str(error)[:200]}") from error
    plain = parts.scheme == "file" and parts.netloc in ("", "localhost") and not parts.query and not parts.fragment
    if not plain or not path.startswith("/") or "\0" in path:
        raise RangeError(f"URI {uri[:200]!r}; valid: file:///<absolute path>")
    return Path(path)


def _check_below(path: Path, base: Path) -> None:
    if not path.is_relative_to(base) or path == base:
        raise RangeError(f"'{path}' is not below '{base}'")


def _read_exactly(descriptor: int, size: int, path: Path) -> bytes:
    parts, left = [], size + 1
    while left and (part := os.read(descriptor, min(left, 1 << 24))):
        parts.append(part)
        left -= len(part)
    if left != 1:
        raise RangeError(f"'{path}' changed while it was read")
    return b"".join(parts)
