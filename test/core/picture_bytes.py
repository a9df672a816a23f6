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

"""JPEG and PNG, whole and damaged, for the tests of decoding."""

from __future__ import annotations

import struct
import zlib

import cv2
import numpy as np

WIDTH, HEIGHT = 96, 64
MEGAPIXEL = 1e6
PNG_START = b'\x89PNG\r\n\x1a\n'


def scene(width=WIDTH, height=HEIGHT):
    """Return a smooth BGR picture with a little noise."""
    corners = np.array([[[10, 200, 90], [240, 30, 60]], [[70, 90, 250], [20, 140, 180]]], np.uint8)
    smooth = cv2.resize(corners, (width, height), interpolation=cv2.INTER_LINEAR)
    noise = np.random.default_rng(5).integers(0, 12, smooth.shape, np.uint8)
    return cv2.add(smooth, noise)


def encoded(suffix, image=None, *options):
    return cv2.imencode(suffix, scene() if image is None else image, list(options))[1].tobytes()


def decoded_by_opencv(data):
    return cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)


def progressive(image=None):
    return encoded('.jpg', image, cv2.IMWRITE_JPEG_PROGRESSIVE, 1)


def with_restarts(image=None, interval=1):
    return encoded('.jpg', image, cv2.IMWRITE_JPEG_RST_INTERVAL, interval)


def cut_with_end(jpeg):
    return jpeg[: len(jpeg) * 3 // 4] + b'\xff\xd9'


def with_jpeg_size(jpeg, width, height):
    at = max(jpeg.find(b'\xff\xc0'), jpeg.find(b'\xff\xc2')) + 5
    return jpeg[:at] + struct.pack('>HH', height, width) + jpeg[at + 4 :]


def with_flipped_bits(data, random, count=40, begin=640):
    changed = np.frombuffer(data, np.uint8).copy()
    at = random.integers(begin, changed.size - 2, count)
    changed[at] ^= (1 << random.integers(0, 8, count)).astype(np.uint8)
    return changed.tobytes()


def rotated_by_exif(jpeg):
    """Return a JPEG of orientation 6: the top of the scene is on the right."""
    exif = b'Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06' + bytes(6)
    return jpeg[:2] + b'\xff\xe1' + struct.pack('>H', len(exif) + 2) + exif + jpeg[2:]


def rotated_tiff(tiff):
    """Return a TIFF of little endian with the same orientation, in a directory at its end."""
    begin = struct.unpack('<I', tiff[4:8])[0]
    end = begin + 2 + 12 * struct.unpack('<H', tiff[begin : begin + 2])[0]
    entries = [tiff[at : at + 12] for at in range(begin + 2, end, 12)]
    entries.append(struct.pack('<HHIHxx', 274, 3, 1, 6))
    entries.sort(key=lambda entry: struct.unpack('<H', entry[:2]))
    directory = struct.pack('<H', len(entries)) + b''.join(entries) + bytes(4)
    return tiff[:4] + struct.pack('<I', len(tiff)) + tiff[8:] + directory


def chunk(name, content=b''):
    checksum = struct.pack('>I', zlib.crc32(name + content))
    return struct.pack('>I', len(content)) + name + content + checksum


def png(header, rows, *further):
    """Return a PNG of (width, height, depth, color, interlace) and rows with their filters."""
    width, height, depth, color, interlace = header
    fields = struct.pack('>IIBBBBB', width, height, depth, color, 0, 0, interlace)
    pixels = chunk(b'IDAT', zlib.compress(rows))
    return PNG_START + chunk(b'IHDR', fields) + b''.join(further) + pixels + chunk(b'IEND')


def with_chunks(data, *chunks):
    """Return a PNG with further chunks behind its header."""
    return data[:33] + b''.join(chunks) + data[33:]
