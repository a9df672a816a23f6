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

"""Where the files that come with the package are."""

from __future__ import annotations

import os
from pathlib import Path

from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.paths import is_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import with_home

PACKAGE = 'rtcnn_perception'


def share_directory() -> Path:
    """
    Return the folder that holds models/, config/, launch/ and rviz/.

    It is the repository's root in a checkout (also with ``colcon build --symlink-install`` or
    ``pip install -e``), and ``share/rtcnn_perception`` of the installation otherwise. The files
    beside the code come first, so that code never meets the models of another version.

    :raises ConfigurationError: if the installation has no such folder
    """
    package = Path(__file__).resolve().parent
    candidates = [package.parent, *(up / 'share' / PACKAGE for up in package.parents)]
    for candidate in candidates:
        if is_file(candidate / 'package.xml') and is_folder(candidate / 'models'):
            return candidate
    for prefix in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep):
        candidate = Path(prefix) / 'share' / PACKAGE
        if prefix and is_file(candidate / 'package.xml'):
            return candidate
    raise ConfigurationError(
        f'the files of {PACKAGE} (package.xml, models) are neither beside {package} nor in the '
        'share folder of an installation: install the package again'
    )


def models_directory() -> Path:
    """Return the folder of the models that come with the package."""
    return share_directory() / 'models'


def user_models_directory() -> Path | None:
    """Return the folder for models the user fetched; it need not exist. None without a home."""
    given = Path(os.environ.get('XDG_DATA_HOME', ''))
    # The standard has relative ones ignored; an unknown home leaves one.
    base = given if given.is_absolute() else with_home('~/.local/share')
    return base / PACKAGE / 'models' if base.is_absolute() else None


def models_search_path() -> tuple[Path, ...]:
    """Return the folders in which models are searched for, the user's own first."""
    own = user_models_directory()
    return (models_directory(),) if own is None else (own, models_directory())
