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

"""``rtcnn_perception fetch``: download the model of a detector that others publish."""

from __future__ import annotations

import argparse
import sys

from rtcnn_perception.commands.options import path_of
from rtcnn_perception.commands.progress import bar
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.models.files import download
from rtcnn_perception.core.models.files import install_copy
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.resources import user_models_directory


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    published = {row.name: row.published for row in DETECTORS.values() if row.published}
    listed = '; '.join(
        f'{name}: {file.path.name} ({file.origin}, {file.size // 1024} KiB)'
        for name, file in published.items()
    )
    parser.description = (
        f'Download the model of a detector, check its sha256, and install it. {listed}.'
    )
    parser.add_argument('detector', metavar='DETECTOR', help=f'one of {", ".join(published)}')
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument(
        '--from',
        dest='source',
        type=path_of,
        metavar='FILE',
        help='install a copy of the file instead of downloading it',
    )
    origin.add_argument('--url', default='', help='another address than the published one')
    parser.add_argument(
        '--to',
        type=path_of,
        metavar='FOLDER',
        help='folder of models to install it in '
        "(default: the user's own, $XDG_DATA_HOME/rtcnn_perception/models)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """
    Download, check and install.

    :returns: 0
    :raises ConfigurationError: if no detector of that name has a model to download
    :raises ModelError: if the file cannot be had, is another one, or cannot be written
    """
    row = DETECTORS.get(arguments.detector)
    if row is None or row.published is None:
        known = ', '.join(each.name for each in DETECTORS.values() if each.published)
        raise ConfigurationError(
            f"expected a detector with a model to download, one of {known}, got '"
            f"{arguments.detector}'"
        )
    file = row.published
    folder = user_models_directory() if arguments.to is None else arguments.to
    if folder is None:
        raise ConfigurationError('this user has no home: name a folder of models with --to')
    target = folder / file.path
    if arguments.source is not None:
        install_copy(file, target, arguments.source)
    else:
        url = arguments.url or file.url
        print(f'from {url}')
        is_shown = sys.stderr.isatty()
        download(file, target, url=url, progress=_show if is_shown else None)
        if is_shown:
            sys.stderr.write('\n')
    print(f'{target} is installed and its sha256 is right')
    obstacle = row.obstacle()
    if obstacle:
        print(f'but the detector {row.name} cannot run here: {obstacle}')
    return 0


def _show(size: int, expected: int) -> None:
    sys.stderr.write(f'\r{bar(size / expected)} {size // 1024} of {expected // 1024} KiB')
    sys.stderr.flush()
