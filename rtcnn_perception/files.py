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
Files from outside: only regular ones are opened, and what is in them is parsed without surprise.

A pipe would block for ever, ``/dev/zero`` would fill the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import errno
import json
import os
from pathlib import Path
import stat

_KINDS = {
    stat.S_IFIFO: 'a pipe (FIFO)',
    stat.S_IFCHR: 'a device',
    stat.S_IFBLK: 'a device',
    stat.S_IFSOCK: 'a socket',
}


def check_file(path: Path) -> None:
    """
    Refuse what is no regular file, without opening it.

    :raises OSError: whose ``strerror`` says what it is, or that there is none
    """
    with _refusing_names(path):
        about = path.stat()
    _check(about, path)


def read_bytes(path: Path, most: int = -1) -> bytes:
    """
    Read a regular file, or its first ``most`` bytes.

    :raises OSError: if there is none, or it cannot be read
    """
    with _refusing_names(path):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe does not block
    try:
        _check(os.fstat(handle), path)
        with os.fdopen(handle, 'rb', closefd=False) as file:
            return file.read(most)
    finally:
        os.close(handle)


def read_text(path: Path) -> str:
    """
    Read a regular file of UTF-8.

    :raises OSError: if there is none, or it cannot be read
    :raises ValueError: if it is no UTF-8
    """
    return read_bytes(path).decode('utf-8')


def parse_json(text: str | bytes) -> object:
    """
    Parse JSON.

    :raises ValueError: if it is none, or is nested too deep
    """
    try:
        content: object = json.loads(text)
    except RecursionError as error:
        raise ValueError('it is nested too deep') from error
    return content


@contextmanager
def _refusing_names(path: Path) -> Iterator[None]:
    """Make a name that no file can have, as a card may give, an error of the system."""
    try:
        yield
    except ValueError as error:  # a zero byte, or what is no Unicode
        raise OSError(errno.EINVAL, 'no file can have this name', str(path)) from error


def _check(about: os.stat_result, path: Path) -> None:
    kind = stat.S_IFMT(about.st_mode)
    if kind == stat.S_IFDIR:
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if kind != stat.S_IFREG:
        what = _KINDS.get(kind, 'something else')
        raise OSError(errno.EINVAL, f'it is {what} and no file', str(path))
