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

"""What a fuzz target is: a reader of bytes from outside, and bytes to begin with."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from contextlib import contextmanager
from dataclasses import dataclass
import functools
import os
from pathlib import Path
import random
import tempfile

import cv2
from rtcnn_perception.exceptions import PerceptionError

MAX_SEED_BYTES = 50_000

# The package lets OpenCV be silent by a variable, unless OpenCV was imported before.
(getattr(cv2, 'setLogLevel', None) or cv2.utils.logging.setLogLevel)(0)


@dataclass(frozen=True)
class Target:
    """
    A reader, and how to begin.

    :param read: takes any bytes; it may raise a PerceptionError, and nothing else
    :param seeds: makes inputs that the reader accepts, at most ``MAX_SEED_BYTES`` each
    :param words: parts of the format that bytes changed at random seldom make
    """

    read: Callable[[bytes], object]
    seeds: Callable[[], Iterable[bytes]]
    words: tuple[bytes, ...] = ()

    def try_one(self, data: bytes) -> bool:
        """Read an input; return whether it was accepted, and raise what no reader may."""
        try:
            self.read(data)
        except PerceptionError as error:
            str(error).encode()
            return False
        return True


class Draw:
    """Numbers and choices out of bytes; zeros follow where they have run out."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def number(self, size: int = 1) -> int:
        """Return a whole number of so many bytes."""
        return int.from_bytes(self.take(size).ljust(size, b'\0'), 'little')

    def choice(self, options):
        """Return one of some options, up to 256."""
        return options[self.number() % len(options)]

    def take(self, size: int) -> bytes:
        """Return the next bytes, fewer at the end."""
        begin, self._at = self._at, min(self._at + size, len(self._data))
        return self._data[begin : self._at]

    def rest(self) -> bytes:
        """Return what is left."""
        return self.take(len(self._data))

    def __bool__(self) -> bool:
        return self._at < len(self._data)


@functools.cache
def scratch() -> Path:
    """Return a folder of this process, below TMPDIR."""
    return Path(tempfile.mkdtemp(prefix='rtcnn_perception_fuzz_'))


def written(name: str, data: bytes) -> Path:
    """Write a file into the folder of this process and return its path."""
    path = scratch() / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    return path


@functools.cache
def _kept_stderr() -> int:
    return os.memfd_create('stderr')


@contextmanager
def silent():
    """Fail if anything is written to stderr meanwhile, be it by a C library."""
    kept = _kept_stderr()
    os.ftruncate(kept, 0)
    os.lseek(kept, 0, os.SEEK_SET)
    before = os.dup(2)
    os.dup2(kept, 2)
    try:
        yield
    finally:
        os.dup2(before, 2)
        os.close(before)
    assert os.fstat(kept).st_size == 0, os.pread(kept, 500, 0)


def mutations(target: Target, count: int, seed: int) -> Iterable[bytes]:
    """Yield the seeds of a target, and so many inputs made of them by chance."""
    seeds = [*target.seeds()]
    yield from seeds
    chance = random.Random(seed)
    for _ in range(count):
        yield mutated(chance.choice(seeds), target.words, seeds, chance)


def mutated(data: bytes, words: tuple[bytes, ...], others: list[bytes], chance) -> bytes:
    """Return an input with one to eight changes."""
    changed = bytearray(data)
    for _ in range(1 << chance.randrange(4)):
        at = chance.randrange(len(changed) + 1)
        end = min(at + 1 + int(chance.expovariate(0.1)), len(changed))
        part = bytes(changed[at:end])
        kind = chance.randrange(8)
        if kind == 0 and at < end:
            changed[at] ^= 1 << chance.randrange(8)
        elif kind == 1:
            changed[at:end] = chance.randbytes(end - at)
        elif kind == 2:
            del changed[at:end]
        elif kind == 3:
            changed[at:at] = part * chance.choice((1, 2, 50))
        elif kind == 4 and words:
            word = chance.choice(words)
            changed[at : at + chance.choice((0, len(word)))] = word
        elif kind == 5:
            changed[at:end] = bytes([chance.choice((0, 1, 0x7F, 0x80, 0xFF))]) * (end - at)
        elif kind == 6:
            other = chance.choice(others)
            begin = chance.randrange(len(other) + 1)
            changed[at:end] = other[begin : begin + end - at]
        else:
            del changed[at:]
    return bytes(changed)
