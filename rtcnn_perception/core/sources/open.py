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
Open a source of frames by its name: a device, a file, a folder or the built-in clip.

A source is opened by decoding its first frame, so that an unreadable one is refused at the start.
Pacing is left to the reader: the frames of a file come as fast as they are read, those of a device
at its own rate.
"""

from __future__ import annotations

from collections.abc import Callable
import os.path
from pathlib import Path
import re
from typing import TypeAlias

import cv2
from rtcnn_perception.core.sources.base import FrameSource
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.core.sources.device import DeviceMode
from rtcnn_perception.core.sources.device import DeviceSource
from rtcnn_perception.core.sources.device import DRIVER_DEFAULTS
from rtcnn_perception.core.sources.pictures import FILM_SUFFIXES
from rtcnn_perception.core.sources.pictures import is_picture
from rtcnn_perception.core.sources.pictures import KNOWN_PICTURES
from rtcnn_perception.core.sources.pictures import natural_order
from rtcnn_perception.core.sources.pictures import OTHER_SUFFIXES
from rtcnn_perception.core.sources.pictures import PICTURE_SUFFIXES
from rtcnn_perception.core.sources.pictures import PictureSource
from rtcnn_perception.core.sources.pictures import STILL_SUFFIXES
from rtcnn_perception.core.sources.video import VideoSource
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.files import check_file
from rtcnn_perception.paths import is_folder
from rtcnn_perception.paths import is_text
from rtcnn_perception.paths import is_there
from rtcnn_perception.paths import with_home

BUILTIN = 'builtin'
EXPECTED = (
    "a source is 'builtin', a camera (/dev/video0 or its number), a video, a GIF, a picture, "
    'or a folder of pictures'
)


Opener: TypeAlias = Callable[[str, DeviceMode], FrameSource]
"""Opens a source, as ``open_source`` does."""


def open_source(text: str, mode: DeviceMode = DRIVER_DEFAULTS) -> FrameSource:
    """
    Open a source by its name.

    :param text: ``builtin``, a device, or the path of a file or folder
    :param mode: requested of a device; ignored for a file
    :raises SourceError: if it does not exist or cannot be decoded
    """
    if text == BUILTIN:
        return BuiltinClip()
    device = device_number(text)
    if device is not None:
        return DeviceSource(device, mode)
    path = with_home(text)
    if re.match('[a-z]+://', text):
        raise SourceError(
            f'{text} is a stream, which is no source here: run a camera driver that reads it, '
            'such as gscam, and subscribe to its images: by topic:NAME for `run`; the nodes do '
            'where source is empty, with image_raw remapped'
        )
    if not text or not is_there(path):
        raise SourceError(f'there is no source {text!r}; {EXPECTED}')
    if is_folder(path):
        return _open_folder(path)
    if not is_text(path):
        raise SourceError(f'the name of {path} is no UTF-8, as files need here; rename it')
    try:
        check_file(path)
    except OSError as error:
        raise SourceError(f'{path} is no source: {error.strerror}; {EXPECTED}') from error
    if path.suffix.lower() in STILL_SUFFIXES:
        return PictureSource(str(path), (path,))
    video = VideoSource(path)
    return PictureSource(str(path), (path,)) if video.has_one_frame else video


def device_number(text: str) -> int | None:
    """Return the number of the camera that a source names; None where it names something else."""
    path = with_home(text)
    is_number = re.fullmatch('[0-9]{1,3}', text) and not is_there(path)
    # What udev makes, such as /dev/v4l/by-id/..., are links to the numbered devices.
    target = f'/dev/video{text}' if is_number else _followed(path)
    device = re.fullmatch('/dev/video([0-9]{1,3})', target)
    return int(device[1]) if device else None


def _followed(path: Path) -> str:
    """Return where links lead; what can be no path leads nowhere."""
    try:
        return os.path.realpath(path)
    except ValueError:
        return ''


def _open_folder(path: Path) -> PictureSource:
    try:
        files = natural_order(
            file
            for file in path.iterdir()
            if not file.name.startswith('.')
            and (file.is_file() or file.is_symlink())  # a broken link is reported when it is read
        )
    except OSError as error:
        raise SourceError(f'the folder {path} cannot be read: {error.strerror}') from error
    pictures = [file for file in files if file.suffix.lower() in PICTURE_SUFFIXES]
    others = (file for file in files if file.suffix.lower() not in PICTURE_SUFFIXES)
    left_out = {file: reason for file in others if (reason := _left_out(file))}
    if not pictures:
        holds = ''.join(f', but {file.name}, {why}' for file, why in [*left_out.items()][:1])
        raise SourceError(
            f'the folder {path} holds no pictures{holds}; expected files {KNOWN_PICTURES}'
        )
    return PictureSource(str(path), tuple(pictures), left_out)


def _left_out(file: Path) -> str:
    """Return why a file that may be meant as a picture is none of a folder; empty for others."""
    suffix = file.suffix.lower()
    if suffix in FILM_SUFFIXES:
        return 'a film among pictures; give it alone'
    if suffix in OTHER_SUFFIXES:
        return f'a picture of a kind ({suffix}) that is not read; convert it'
    # Two letters are enough for OpenCV to think of a picture, and not for this.
    if is_text(file) and file.is_file() and cv2.haveImageReader(str(file)) and is_picture(file):
        return 'a picture by its content, not by its name; rename it'
    return ''
