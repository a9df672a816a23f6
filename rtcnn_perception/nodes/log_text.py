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
Errors for log and diagnostics, whatever they come from.

An error may quote what a stranger sent: an encoding, a name, a message of a library. So nothing is
logged or published in diagnostics before it was made one line of bounded length, and errors are
counted by the place in the code that raised them, of which there are only so many.
"""

from __future__ import annotations

from pathlib import PurePath
import traceback

from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.one_line import bounded

MAX_TRACEBACK_LINES = 40


def message_of(error: Exception) -> str:
    """Return the message of an error as one line; that of a defect begins with its class."""
    is_expected = isinstance(error, PerceptionError)
    return bounded(str(error) if is_expected else f'{type(error).__name__}: {error}')


def report_of(error: Exception) -> str:
    """Return what is logged of an error: its message, or the traceback of a defect."""
    if isinstance(error, PerceptionError):
        return message_of(error)
    lines = ''.join(traceback.format_exception(error)).splitlines()
    half = MAX_TRACEBACK_LINES // 2
    if len(lines) > 2 * half:
        lines[half:-half] = [f'[... cut from {len(lines)} lines ...]']
    return '\n'.join(map(bounded, lines))


def cause_of(error: Exception) -> str:
    """Return the class of an error and the place that raised it, if it was raised."""
    place = error.__traceback__
    if place is None:
        return type(error).__name__
    while place.tb_next is not None:
        place = place.tb_next
    file = PurePath(place.tb_frame.f_code.co_filename).name
    return f'{type(error).__name__} at {file}:{place.tb_lineno}'
