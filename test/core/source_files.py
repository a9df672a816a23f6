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

"""Pictures, videos and GIFs for the tests of sources, and the gray levels of frames."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from pathlib import Path
import struct

import cv2
import numpy as np

WIDTH, HEIGHT = 64, 48
GRAYS = (20, 120, 220)


def replace_properties(monkeypatch, read: Callable[[int], float | None]) -> None:
    """Let OpenCV report other properties of videos; those for which ``read`` is None stay."""
    original = cv2.VideoCapture

    class Capture:
        """A capture that reports other properties."""

        def __init__(self, name):
            self._capture = original(name)

        def get(self, prop):
            value = read(prop)
            return self._capture.get(prop) if value is None else value

        def __getattr__(self, name):
            return getattr(self._capture, name)

    monkeypatch.setattr(cv2, 'VideoCapture', Capture)


def still(gray: int, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """Return a picture of one gray level."""
    return np.full((height, width, 3), gray, np.uint8)


def write_picture(path: Path, gray: int = 120, width: int = WIDTH) -> Path:
    assert cv2.imwrite(str(path), still(gray, width))
    return path


def write_video(path: Path, grays: tuple[int, ...] = GRAYS, fps: float = 25.0) -> Path:
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'mp4v'), fps, (WIDTH, HEIGHT))
    assert writer.isOpened()
    for gray in grays:
        writer.write(still(gray))
    writer.release()
    return path


def write_gif(path: Path, grays: tuple[int, ...]) -> Path:
    """Write a GIF by hand, for OpenCV writes none before 4.11: 2x2 pixels, 0.08 s a frame."""
    palette = bytes(value for gray in range(4) for value in [gray * 80] * 3)
    data = b'GIF89a' + bytes([2, 0, 2, 0, 0x81, 0, 0]) + palette
    for index in grays:
        data += b'\x21\xf9\x04\x00\x08\x00\x00\x00'
        data += b'\x2c' + bytes([0, 0, 0, 0, 2, 0, 2, 0, 0]) + b'\x02'
        # LZW with codes of three bits: clear, four pixels, end; the width never grows.
        bits = [4, index, index, 4, index, index, 5]
        packed = sum(code << (3 * place) for place, code in enumerate(bits)).to_bytes(3, 'little')
        data += bytes([len(packed)]) + packed + b'\x00'
    path.write_bytes(data + b'\x3b')
    return path


def with_gif_size(path: Path, width: int, height: int) -> Path:
    """Write a GIF that claims another size."""
    content = bytearray(write_gif(path, (1,)).read_bytes())
    content[6:10] = struct.pack('<HH', width, height)
    path.write_bytes(content)
    return path


def grays_of(frames: Iterable[np.ndarray]) -> list[int]:
    """Return the gray level of each frame, rounded to twenties, as coding changes it a little."""
    return [round(float(frame.mean()) / 20) * 20 for frame in frames]
