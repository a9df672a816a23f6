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

"""A frame holds an image that cannot be written to, and its times."""

from __future__ import annotations

import math

import numpy as np
import pytest
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.exceptions import ImageFormatError

SECOND = 1_000_000_000
IMAGE = np.zeros((4, 6, 3), np.uint8)


def test_an_image_of_another_format_is_refused():
    for image in (
        np.zeros((0, 0, 3), np.uint8),
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ):
        with pytest.raises(ImageFormatError, match=r'shape \(H, W, 3\) and type uint8, got shape'):
            Frame(image, stamp_ns=0, frame_id='', received_ns=0)


def test_the_image_is_a_read_only_view_and_the_given_one_stays_writable():
    image = IMAGE.copy()
    frame = Frame(image, stamp_ns=0, frame_id='', received_ns=0)
    assert np.shares_memory(frame.image, image)
    assert image.flags.writeable
    assert frame.size_wh == (6, 4)
    with pytest.raises(ValueError, match='read-only'):
        frame.image[0, 0] = 1


def test_time_is_the_stamp_and_without_one_the_arrival():
    assert Frame(IMAGE, 5 * SECOND, '', received_ns=9 * SECOND).time == 5.0
    assert Frame(IMAGE, 0, '', received_ns=9 * SECOND).time == 9.0


def test_the_latency_is_measured_from_the_stamp_and_unknown_without_one():
    frame = Frame(IMAGE, 5 * SECOND, '', received_ns=9 * SECOND)
    assert frame.seconds_since_stamp(5 * SECOND + SECOND // 4) == 0.25
    assert frame.seconds_since_stamp(4 * SECOND) == -1.0
    assert math.isnan(Frame(IMAGE, 0, '', 9 * SECOND).seconds_since_stamp(10 * SECOND))


def test_before_simulated_time_comes_there_is_no_latency():
    assert math.isnan(Frame(IMAGE, 1002 * SECOND, '', 0).seconds_since_stamp(0))
