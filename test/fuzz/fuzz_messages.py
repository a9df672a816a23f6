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

"""Readers of messages and parameters, which need ROS."""

from __future__ import annotations

import array
import json
import math

from fuzz_images import check_image
from fuzz_images import jpeg_seeds
from fuzz_images import SMALL
from fuzz_images import TARGETS as IMAGES
from fuzz_models import changed
from fuzz_target import Draw
from fuzz_target import silent
from fuzz_target import Target
from fuzz_target import written
from geometry_msgs.msg import Point32
import numpy as np
from partner import rois
from picture_bytes import encoded
from rclpy.context import Context
from rclpy.serialization import serialize_message
from rtcnn_perception.nodes.conversions.encodings import DEPTH
from rtcnn_perception.nodes.conversions.encodings import ENCODINGS
from rtcnn_perception.nodes.conversions.faces import attributes_to_msg
from rtcnn_perception.nodes.conversions.faces import result_from_rois
from rtcnn_perception.nodes.conversions.faces import rois_from_bytes
from rtcnn_perception.nodes.conversions.images import frame_from_compressed
from rtcnn_perception.nodes.conversions.images import frame_from_image
from rtcnn_perception.nodes.host import initialising
from rtcnn_perception.nodes.parameters import TABLES
from rtcnn_perception.nodes.parameters.declaration import build
from rtcnn_perception.nodes.parameters.declaration import values_of
from rtcnn_perception.nodes.parameters.names import check_sections
from rtcnn_perception.nodes.perception import _overrides
from scripted import frame
from scripted import header
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

names = (*ENCODINGS, *DEPTH, 'rgb12', '')


def stamped(msg, draw):
    msg.header = header(1)
    if draw.number() % 8 == 7:
        msg.header.stamp.nanosec = draw.number(4)
        msg.header.stamp.sec = draw.number(4) - 2**31
    return msg


def read_image(data):
    """Read an image of drawn size, mostly with the bytes that it needs."""
    draw = Draw(data)
    msg = stamped(Image(encoding=draw.choice(names)), draw)
    sides = 4 if draw.number() % 16 == 15 else 1
    msg.height, msg.width = draw.number(sides), draw.number(sides)
    form = ENCODINGS.get(msg.encoding)
    row = msg.width * (form.pixel_bytes if form else 1)
    msg.step = draw.number(4) if draw.number() % 16 == 15 else min(row, 2**32 - 1)
    msg.is_bigendian = draw.number() % 2
    rows = msg.height * (form.rows_per_2 if form else 2) // 2
    missing = draw.number() if draw.number() % 8 == 7 else 0
    size = max(min(msg.step * rows, 2**20) - missing, 0)
    pixels = draw.rest() or b'\0'
    msg.data = array.array('B', (pixels * -(-size // len(pixels)))[:size])
    with silent():
        frame = frame_from_image(msg, received_ns=0, max_megapixels=1.0)
    check_image(frame.image, (msg.height, msg.width))


def image_seeds():
    for index in range(len(names)):
        yield bytes([index, 0, 0, 8, 12, 0, 0, 0]) + bytes(range(96))


def read_compressed(data):
    draw = Draw(data)
    msg = stamped(CompressedImage(format=draw.choice(('', 'rgb8; jpeg compressed rgb8'))), draw)
    msg.data = array.array('B', draw.rest())
    with silent():
        limit = math.inf if len(data) % 2 else 1.0
        image = frame_from_compressed(msg, received_ns=0, max_megapixels=limit).image
    assert image.ndim == 3


def compressed_seeds():
    for index, whole in enumerate((*jpeg_seeds(), encoded('.png', SMALL))):
        yield bytes([index % 2, 0]) + whole


def read_rois(data):
    """Read rois as they come over DDS, and publish what they say."""
    result = result_from_rois(rois_from_bytes(data), frame(1), lambda _error: None)
    msg = attributes_to_msg(result)
    serialize_message(msg)
    for face in msg.faces:
        points = [value for each in face.landmarks for value in (each.x, each.y)]
        assert np.isfinite([face.confidence, *points]).all()


def rois_seeds():
    yield serialize_message(rois(1))
    named = rois(1, (10, 12, 20, 24), (0, 0, 64, 48), landmark_names=('eye', 'chin'))
    named.faces[0].landmarks = [Point32(x=11.0, y=13.0), Point32(x=20.0, y=20.0)]
    yield serialize_message(named)


def read_values(data):
    """Build the parameters of all nodes from plain values by name."""
    defaults = {name: each for table in TABLES for name, each in values_of(table())}
    plain = {n: list(v) if isinstance(v, tuple) else v for n, v in defaults.items()}
    values = json.loads(json.dumps(changed(plain, Draw(data))))
    for table in TABLES:
        build(table, values)
    _overrides(values)


def value_seeds():
    return [bytes(number * 37 * each % 256 for each in range(12)) for number in range(32)]


def read_parameter_file(data):
    """Let rcl read a file of parameters, after a look at its sections."""
    path = written('parameters.yaml', data)
    check_sections(path)
    context = Context()
    try:
        with initialising():
            context.init(['node', '--ros-args', '--params-file', str(path)])
    finally:
        context.try_shutdown()


def file_seeds():
    yield b'/**:\n  ros__parameters:\n    source: builtin\n    tracker.max_tracks: 5\n'
    yield b'/a/camera:\n  ros__parameters: {source_rate: 1.5, attributes: [a, "b"], b: {c: 1}}'


TARGETS = {
    'image': Target(read_image, image_seeds),
    'compressed': Target(read_compressed, compressed_seeds, IMAGES['jpeg'].words),
    'rois': Target(read_rois, rois_seeds),
    'parameter_values': Target(read_values, value_seeds),
    'parameter_file': Target(read_parameter_file, file_seeds, (b'ros__parameters:', b'!!', b'&a')),
}
