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

"""Images to send: good ones in many forms, and damaged ones that a node must refuse."""

from __future__ import annotations

import array
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
import struct
from typing import TypeAlias
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.sources.builtin import BuiltinClip
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

Message: TypeAlias = 'Image | CompressedImage'

SIZES = ((320, 240), (160, 120), (416, 240))
"""Width and height: an image changes its size between frames now and then."""
SCENES = (0, 75, 150, 220)
"""Frames of the built-in clip, with one face and with two."""
LONG = 'rgb\n12' * 2**13


@dataclass(frozen=True)
class Frames:
    """
    Messages by what is the matter with them; only their stamps are set when they are sent.

    ``good`` must be answered, ``bad`` must be refused; of ``either`` no decoder can say, such as
    a JPEG in which flipped bits left valid codes.
    """

    good: Mapping[str, tuple[Message, ...]]
    bad: Mapping[str, tuple[Message, ...]]
    either: Mapping[str, tuple[Message, ...]]


def scenes() -> list[ImageBGR]:
    """Return pictures with faces in all sizes."""
    wanted = set(SCENES)
    clip = [
        image
        for index, image in zip(range(max(SCENES) + 1), BuiltinClip(), strict=False)
        if index in wanted
    ]
    return [
        np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), np.uint8)
        for size in SIZES
        for image in clip
    ]


def raw_frames() -> Frames:
    """Return messages of sensor_msgs/Image."""
    images = scenes()
    good = {name: tuple(make(image) for image in images) for name, make in ENCODERS.items()} | {
        'padded rows': tuple(padded(image) for image in images)
    }
    bad = {
        name: tuple(change(as_image(image)) for image in images[:2])
        for name, change in RAW_DAMAGE.items()
    }
    return Frames(good, bad, {})


def compressed_frames() -> Frames:
    """Return messages of sensor_msgs/CompressedImage."""
    images = scenes()
    good = {
        'JPEG': tuple(as_compressed(jpeg(image)) for image in images),
        'gray JPEG': tuple(as_compressed(jpeg(image[:, :, 1])) for image in images),
        'progressive JPEG': tuple(
            as_compressed(jpeg(image, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)) for image in images
        ),
        'JPEG in a padded buffer': tuple(
            as_compressed(jpeg(image) + bytes(20_000)) for image in images
        ),
        'PNG': tuple(as_compressed(png(image)) for image in images[:4]),
    }
    bad = {
        name: tuple(as_compressed(change(image)) for image in images[:2])
        for name, change in COMPRESSED_DAMAGE.items()
    }
    random = np.random.default_rng(1)
    flipped = tuple(as_compressed(with_flipped_bits(jpeg(image), random)) for image in images)
    return Frames(good, bad, {'JPEG with flipped bits': flipped})


def as_image(
    pixels: NDArray[np.uint8], encoding: str = 'bgr8', *, rows: int = 0, step: int = 0
) -> Image:
    """Return a message of pixels as an encoding has them."""
    msg = Image(encoding=encoding, width=pixels.shape[1], height=rows or pixels.shape[0])
    msg.step = step or pixels.strides[0]
    msg.data = _bytes(pixels.tobytes())
    return msg


def as_compressed(data: bytes) -> CompressedImage:
    """Return a message of encoded bytes."""
    msg = CompressedImage(format='bgr8; jpeg compressed bgr8')
    msg.data = _bytes(data)
    return msg


def padded(image: ImageBGR) -> Image:
    """Return a message whose rows have bytes behind their pixels."""
    height, width = image.shape[:2]
    rows = np.zeros((height, width * 3 + 16), np.uint8)
    rows[:, : width * 3] = image.reshape(height, -1)
    msg = as_image(rows, step=rows.shape[1])
    msg.width = width
    return msg


def jpeg(image: NDArray[np.uint8], *options: int) -> bytes:
    """Return a JPEG."""
    return cv2.imencode('.jpg', image, [*options])[1].tobytes()


def png(image: NDArray[np.uint8]) -> bytes:
    """Return a PNG."""
    return cv2.imencode('.png', image)[1].tobytes()


def with_flipped_bits(data: bytes, random: np.random.Generator, count: int = 40) -> bytes:
    """Return bytes of which some bits behind the header are flipped."""
    changed = np.frombuffer(data, np.uint8).copy()
    places = random.integers(640, changed.size - 2, count)
    changed[places] ^= (1 << random.integers(0, 8, count)).astype(np.uint8)
    return changed.tobytes()


def _bytes(data: bytes) -> array.array[int]:
    values = array.array('B')
    values.frombytes(data)
    return values


def _yuyv(image: ImageBGR) -> Image:
    gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    return as_image(np.dstack([gray, np.full_like(gray, 128)]), 'yuyv')


def _yuv420(image: ImageBGR, encoding: str) -> Image:
    planes = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2YUV_I420), np.uint8)
    return as_image(planes, encoding, rows=image.shape[0])


def _mono16(image: ImageBGR) -> Image:
    gray = np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), np.uint16) << 4
    msg = as_image(gray.view(np.uint8), 'mono16')
    msg.width = gray.shape[1]
    return msg


ENCODERS: Mapping[str, Callable[[ImageBGR], Image]] = {
    'bgr8': as_image,
    'rgb8': lambda image: as_image(np.ascontiguousarray(image[:, :, ::-1]), 'rgb8'),
    'bgra8': lambda image: as_image(
        np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2BGRA), np.uint8), 'bgra8'
    ),
    'mono8': lambda image: as_image(np.ascontiguousarray(image[:, :, 1]), 'mono8'),
    'mono16': _mono16,
    'bayer_rggb8': lambda image: as_image(np.ascontiguousarray(image[:, :, 1]), 'bayer_rggb8'),
    'yuyv': _yuyv,
    'nv12': lambda image: _yuv420(image, 'nv12'),
    'i420': lambda image: _yuv420(image, 'i420'),
}
"""Good images by their encoding."""


def _with(**changes: object) -> Callable[[Image], Image]:
    def change(msg: Image) -> Image:
        for name, value in changes.items():
            setattr(msg, name, value)
        return msg

    return change


def _cut(msg: Image) -> Image:
    msg.data = msg.data[: len(msg.data) // 2]
    return msg


def _longer(msg: Image) -> Image:
    msg.data = msg.data + msg.data
    return msg


RAW_DAMAGE: Mapping[str, Callable[[Image], Image]] = {
    'unknown encoding': _with(encoding='rgb12'),
    'encoding of 48 KB': _with(encoding=LONG),
    'encoding of depth': _with(encoding='16UC1'),
    'no encoding': _with(encoding=''),
    'other encoding': _with(encoding='bgra8'),
    'odd height': _with(encoding='i420', height=239),
    'half of the data': _cut,
    'twice the data': _longer,
    'no data': _with(data=array.array('B')),
    'step too small': lambda msg: _with(step=msg.step - 1)(msg),
    'step too large': _with(step=2**32 - 1),
    'step of 0': _with(step=0),
    'no pixels': _with(width=0, height=0),
    'huge size': _with(width=2**32 - 1, height=2**32 - 1),
    'more than 100 megapixels': _with(width=20_000, height=20_000, step=60_000),
}
"""What may be the matter with an image."""

STAMPS: Mapping[str, tuple[int, int]] = {
    'nanosec above 999999999': (1, 10**9),
    'negative sec': (-1, 0),
}
"""Stamps, sec and nanosec, of images that are good otherwise."""


def _with_bit(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def _chunk(name: bytes, content: bytes = b'') -> bytes:
    return (
        struct.pack('>I', len(content))
        + name
        + content
        + struct.pack('>I', zlib.crc32(name + content))
    )


def _png_of(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    start = b'\x89PNG\r\n\x1a\n' + _chunk(b'IHDR', header)
    return start + b''.join(chunks) + _chunk(b'IEND')


def _claiming(data: bytes, side: int) -> bytes:
    at = data.find(b'\xff\xc0') + 5
    return data[:at] + struct.pack('>HH', side, side) + data[at + 4 :]


def _of_many_scans(image: ImageBGR) -> bytes:
    data = jpeg(image, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
    at = data.rfind(b'\xff\xda')
    return data[:at] + 40 * data[at:-2] + data[-2:]


COMPRESSED_DAMAGE: Mapping[str, Callable[[ImageBGR], bytes]] = {
    'JPEG without its end': lambda image: jpeg(image)[: -len(jpeg(image)) // 2],
    'half a JPEG with an end marker': lambda image: (
        jpeg(image)[: len(jpeg(image)) // 2] + b'\xff\xd9'
    ),
    'JPEG that claims 9990x9990': lambda image: _claiming(jpeg(image), 9990),
    'JPEG of 49 scans': _of_many_scans,
    'PNG with a wrong checksum': lambda image: _with_bit(png(image), 60),
    'PNG without its end': lambda image: png(image)[: -len(png(image)) // 2],
    'PNG that claims 30000x30000': lambda _image: _png_of(
        30_000, 30_000, _chunk(b'IDAT', zlib.compress(bytes(1000)))
    ),
    'PNG whose pixels inflate without end': lambda _image: _png_of(
        64, 64, _chunk(b'IDAT', zlib.compress(bytes(20_000_000)))
    ),
    'PNG of 60000 empty chunks': lambda _image: _png_of(64, 64, 60_000 * _chunk(b'tEXt')),
    'text': lambda _image: b'no picture ' * 100,
    'GIF': lambda image: b'GIF89a' + image.tobytes()[:1000],
    'no data': lambda _image: b'',
}
"""What may be the matter with a compressed image."""
