# Copyright 2026 The rtcnn_perception authors
#
# Licensed under the Apache License, Version 2.0 (the "License");
# you may not use this file except in compliance with the License.
# You may obtain a copy of the License at
#
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Unless required by applicable law or agreed to in writing, software
# distributed under the License is distributed on an "AS IS" BASIS,
# WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied.
# See the License for the specific language governing permissions and
# limitations under the License.

"""
Checks of paths that never raise, also where a path is not accessible.

``pathlib`` raises for an unknown home and, before Python 3.14, where a folder of the path may
not be entered, as the home of another user, or where a name is too long. ``os.path`` does not.
"""

from __future__ import annotations

import os.path
from pathlib import Path


def is_there(path: Path) -> bool:
    """Return whether a file or folder exists and is accessible."""
    return os.path.exists(path)  # noqa: PTH110  pathlib raises, see above


def is_file(path: Path) -> bool:
    """Return whether a file exists and is accessible."""
    return os.path.isfile(path)  # noqa: PTH113  likewise


def is_folder(path: Path) -> bool:
    """Return whether a folder exists and is accessible."""
    return os.path.isdir(path)  # noqa: PTH112  likewise


def is_text(path: str | Path) -> bool:
    """Return whether a path is UTF-8; OpenCV crashes on one that is not."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def with_home(path: str | Path) -> Path:
    """Return a path as a user gives it, ``~`` replaced; unchanged for an unknown home."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  likewise
