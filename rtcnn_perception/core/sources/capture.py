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

"""Files that OpenCV opens by their name, films and pictures that only FFmpeg decodes."""

from __future__ import annotations

from pathlib import Path

import cv2
from rtcnn_perception.core.decoding.limits import MAX_PICTURE_PIXELS
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.paths import is_text


def open_capture(path: Path) -> cv2.VideoCapture:
    """
    Open a file whose frames are not larger than a picture may be.

    What cannot be decoded is opened as well, and has no frame.

    :raises SourceError: if its frames are larger, or if its name is no UTF-8: OpenCV would end the
        process
    """
    if not is_text(path):
        raise SourceError(f'the name of {path} is no UTF-8, as files need here; rename it')
    capture = cv2.VideoCapture(str(path))
    width, height = (
        int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    )
    if width * height > MAX_PICTURE_PIXELS:
        capture.release()
        raise SourceError(
            f'{path} has frames of {width}x{height} pixels; expected {MAX_PICTURE_PIXELS:.0f} '
            'pixels at most'
        )
    return capture
