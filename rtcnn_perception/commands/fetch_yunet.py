"""Fetch the model file of the detector YuNet and check it."""

from __future__ import annotations

import argparse
from pathlib import Path
import sys

from rtcnn_perception.core.detection.yunet import why_opencv_cannot_run_yunet
from rtcnn_perception.core.models.files import copy_yunet
from rtcnn_perception.core.models.files import fetch_yunet
from rtcnn_perception.core.models.files import YUNET_NAME
from rtcnn_perception.core.models.files import yunet_path
from rtcnn_perception.core.models.files import YUNET_URL
from rtcnn_perception.paths import with_home
from rtcnn_perception.resources import user_models_directory

_BAR_WIDTH = 24


def configure(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.description = (
        f'Get {YUNET_NAME} (OpenCV Zoo, MIT licence, 227 KiB), check its sha256, and put it where '
        "the detector 'yunet' finds it."
    )
    origin = parser.add_mutually_exclusive_group()
    origin.add_argument(
        '--from',
        dest='source',
        type=Path,
        metavar='FILE',
        help='take a copy that is at hand instead of downloading',
    )
    origin.add_argument('--url', default=YUNET_URL, help='another address (default: %(default)s)')
    parser.add_argument(
        '--to',
        type=Path,
        metavar='FOLDER',
        default=None,
        help='folder of models to put it in, as yunet/FILE '
        "(default: the user's own, $XDG_DATA_HOME/rtcnn_perception/models)",
    )


def execute(arguments: argparse.Namespace) -> int:
    """
    Fetch, check and put in place.

    :returns: 0
    :raises ModelError: if the file cannot be had, is another one, or cannot be written
    """
    folder = user_models_directory() if arguments.to is None else with_home(arguments.to)
    target = yunet_path(folder)
    if arguments.source is not None:
        copy_yunet(target, with_home(arguments.source))
    elif sys.stderr.isatty():
        fetch_yunet(target, arguments.url, _show)
        sys.stderr.write('\n')
    else:
        fetch_yunet(target, arguments.url)
    print(f'{target} is in place and its sha256 is right')
    obstacle = why_opencv_cannot_run_yunet()
    if obstacle:
        print(f'but {obstacle}: the detector yunet cannot run here')
    return 0


def _show(size: int, expected: int) -> None:
    share = min(size / expected, 1.0)
    bar = '#' * round(_BAR_WIDTH * share)
    sys.stderr.write(f'\r[{bar:.<{_BAR_WIDTH}}] {size // 1024} of {expected // 1024} KiB')
    sys.stderr.flush()
