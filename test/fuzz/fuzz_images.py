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

"""Readers of pictures and of image messages."""

from __future__ import annotations

import struct
import zlib

import cv2
from fuzz_target import Draw
from fuzz_target import silent
from fuzz_target import Target
from fuzz_target import written
import numpy as np
from picture_bytes import chunk
from picture_bytes import encoded
from picture_bytes import MEGAPIXEL
from picture_bytes import png
from picture_bytes import PNG_START
from picture_bytes import progressive
from picture_bytes import rotated_by_exif
from picture_bytes import scene
from picture_bytes import with_restarts
from rtcnn_perception.core.decoding.animation import is_animated
from rtcnn_perception.core.decoding.jpeg import decode_jpeg
from rtcnn_perception.core.decoding.picture import decode_picture
from rtcnn_perception.core.decoding.png import decode_png
from rtcnn_perception.core.sources.orientation import upright_turn
from rtcnn_perception.training.data import pictures
from source_files import write_gif

SMALL = scene(24, 16)


def check_image(image, size_hw=None):
    """Make sure that a decoded picture is one."""
    height, width, channels = image.shape
    assert image.dtype == np.uint8
    assert channels == 3
    assert 1 <= height * width <= MEGAPIXEL
    assert size_hw in (None, (height, width))


def read_jpeg(data):
    with silent():
        for is_upright in (False, True):
            check_image(decode_jpeg(b'\xff\xd8\xff' + data[3:], MEGAPIXEL, is_upright=is_upright))


def jpeg_seeds():
    yield encoded('.jpg', SMALL)
    yield encoded('.jpg', SMALL[:, :, 0])
    yield progressive(SMALL)
    yield with_restarts(SMALL)
    yield rotated_by_exif(encoded('.jpg', SMALL))
    yield encoded('.jpg', SMALL) + bytes(64)


def read_png(data):
    """Read a PNG whose checksums were made right, or one of drawn rows."""
    draw = Draw(data)
    if draw.number() % 2:
        color, depth = draw.choice((0, 2, 3, 4, 6)), draw.choice((1, 2, 4, 8, 16))
        header = (draw.number() % 40, draw.number() % 40, depth, color, draw.number() % 2)
        palette = [chunk(b'PLTE', draw.take(3 * draw.number()))] if draw.number() % 2 else []
        made = png(header, draw.rest(), *palette)
    else:
        made = with_checksums(draw.rest())
    with silent():
        check_image(decode_png(made, MEGAPIXEL, is_upright=bool(len(data) % 2)))


def with_checksums(data):
    """Return a PNG with the right checksum behind each chunk."""
    parts, at = [PNG_START], len(PNG_START)
    while at + 12 <= len(data):
        length = int.from_bytes(data[at : at + 4], 'big')
        content = data[at + 4 : at + 8 + length]
        parts += [data[at : at + 4], content, struct.pack('>I', zlib.crc32(content))]
        at += 12 + length
    return b''.join((*parts, data[at:]))


def png_seeds():
    kinds = (SMALL, SMALL[:, :, 0], np.dstack([SMALL, SMALL[:, :, :1]]))
    for image in (*kinds, SMALL.astype(np.uint16) * 257):
        yield b'\0' + encoded('.png', image)
    exif = b'MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06' + bytes(6)
    whole = encoded('.png', SMALL)
    yield b'\0' + whole[:33] + chunk(b'eXIf', exif) + chunk(b'tEXt', b'a\0b') + whole[33:]
    yield bytes([1, 1, 0, 4, 4, 0, 0]) + bytes(5 * 4)
    yield bytes([1, 2, 0, 9, 7, 1, 1, 1, 1, 2, 3]) + bytes(60)


def read_other_picture(data):
    """Read a picture that is neither JPEG nor PNG."""
    is_animated(data)
    with silent():
        check_image(decode_picture(data, MEGAPIXEL))


def other_picture_seeds():
    for suffix in ('.bmp', '.ppm', '.pgm', '.pbm', '.tiff', '.webp'):
        is_gray = suffix in ('.pgm', '.pbm')
        yield encoded(suffix, SMALL[:, :, 0] if is_gray else SMALL)
    yield encoded('.webp', SMALL, cv2.IMWRITE_WEBP_QUALITY, 101)  # without loss
    yield write_gif(written('two.gif', b''), (1, 2)).read_bytes()
    box = struct.pack('>I4s', 20, b'ispe') + bytes(4) + struct.pack('>II', 24, 16)
    yield struct.pack('>I4s', 16, b'ftyp') + b'avif' + bytes(4) + box


def read_training_picture(data):
    """Read a picture of a data set; libraries may write to stderr."""
    for mode in (pictures.GRAY, pictures.COLOR):
        assert pictures.decode_picture(data, mode, 'the picture').size


def read_orientation(data):
    """Read what a film says of its orientation."""
    assert upright_turn(written('film.mp4', data)) in (0, 90, 180, 270)


def orientation_seeds():
    matrix = struct.pack('>9i', 0, 65536, 0, -65536, 0, 0, 0, 0, 1 << 30)

    def box(name, content):
        return struct.pack('>I4s', len(content) + 8, name) + content

    for version, before in ((0, 39), (1, 51)):
        header = box(b'tkhd', bytes([version]) + bytes(before) + matrix + bytes(8))
        media = box(b'mdia', box(b'hdlr', bytes(8) + b'vide' + bytes(12)))
        yield box(b'ftyp', b'isom') + box(b'moov', box(b'trak', header + media))


TARGETS = {
    'jpeg': Target(
        read_jpeg,
        jpeg_seeds,
        (
            *(b'\xff\xd8', b'\xff\xc0', b'\xff\xc2', b'\xff\xc4', b'\xff\xda', b'\xff\xdb'),
            *(b'\xff\xd9', b'\xff\xdd', b'\xff\xd0', b'\xff\xe1', b'\xff\xee', b'Exif\0\0'),
        ),
    ),
    'png': Target(
        read_png, png_seeds, (b'IHDR', b'PLTE', b'IDAT', b'IEND', b'eXIf', b'tRNS', b'iCCP')
    ),
    'other_picture': Target(
        read_other_picture,
        other_picture_seeds,
        (
            *(b'BM', b'GIF89a', b'II*\0', b'MM\0*', b'RIFF', b'WEBPVP8 ', b'VP8L', b'VP8X'),
            *(b'P1', b'P2', b'P3', b'P4', b'P5', b'P6', b'\n255\n', b'ftypavif', b'ispe'),
        ),
    ),
    'training_picture': Target(
        read_training_picture, lambda: [*jpeg_seeds(), encoded('.png', SMALL)]
    ),
    'orientation': Target(
        read_orientation, orientation_seeds, (b'moov', b'trak', b'tkhd', b'mdia', b'hdlr', b'vide')
    ),
}
