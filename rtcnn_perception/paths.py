"""
What lies at a path, asked without an error where it cannot be seen.

``pathlib`` raises for the home of nobody and, before Python 3.14, where a folder on the way may
not be entered, as the home of another user, or where a name is too long. ``os.path`` does not.
"""

from __future__ import annotations

import os.path
from pathlib import Path


def is_there(path: Path) -> bool:
    """Return whether a file or folder can be seen there."""
    return os.path.exists(path)  # noqa: PTH110  pathlib raises, see above


def is_file(path: Path) -> bool:
    """Return whether a file can be seen there."""
    return os.path.isfile(path)  # noqa: PTH113  likewise


def is_folder(path: Path) -> bool:
    """Return whether a folder can be seen there."""
    return os.path.isdir(path)  # noqa: PTH112  likewise


def with_home(path: str | Path) -> Path:
    """Return a path as a user gives it, ``~`` replaced; as it is where nobody has that home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  likewise
