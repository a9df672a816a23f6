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
Shared memory, in which Fast DDS passes messages between the processes of a machine.

Each process takes a segment of it at once, whatever it sends, and a process that is killed leaves
its segment behind. Where nothing is left Fast DDS fails with errors, or the system ends the
process by SIGBUS; containers have 64 MB unless they are given more.
"""

from __future__ import annotations

import fcntl
from importlib import metadata
import os
from pathlib import Path
import re
import stat
import time

from rtcnn_perception.resources import share_directory

FOLDER = Path('/dev/shm')

PROFILE_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
"""Variables that name a profile to Fast DDS 3, which warns of the other, and to Fast DDS 2."""
FIRST_WITH_FAST_DDS_3 = 9
"""Major version of rclpy in Kilted; Jazzy has 7 and Humble 3."""
TRANSPORTS_VARIABLE = 'FASTDDS_BUILTIN_TRANSPORTS'
"""Which transports Fast DDS uses where no profile says so, from its version 2.12 on."""

MIB = 1024 * 1024
PROFILES = {'fastdds.xml': 4 * 35 * MIB, 'fastdds_small.xml': 4 * 10 * MIB}
"""Profiles for images, by preference, with the bytes that four processes take with each."""
LEAST = 4 * MIB
"""Bytes below which shared memory is not used: a few processes without a profile take that."""

SEGMENT_LOCK = re.compile('(?:fastrtps|fastdds)_[0-9a-f]{16}_el')
"""Beside each segment, a file that its process locks while it lives; by Fast DDS 2 and 3."""
FRESH_S = 10.0
"""Seconds for which a file may be not locked yet."""


def prepare(*, has_images: bool, folder: Path = FOLDER) -> str:
    """
    Remove what dead processes left, and choose how Fast DDS uses shared memory.

    The choice is for this process and its children, and leaves to the user what the user has set.

    :param has_images: whether images are passed between processes, which Fast DDS's own segments
        of 512 KB are too small for
    :returns: a sentence that warns of too little room; empty where there is enough
    """
    if 'fast' not in os.environ.get('RMW_IMPLEMENTATION', 'fast') or not folder.is_dir():
        return ''
    remove_leftovers(folder)
    if any(os.environ.get(name) for name in PROFILE_VARIABLES):
        return ''
    free = free_bytes(folder)
    found = f'{folder} has {free / MIB:.1f} MiB left'
    advice = 'stop other processes, run `fastdds shm clean`, or give a container more (--shm-size)'
    if free < LEAST:
        os.environ.setdefault(TRANSPORTS_VARIABLE, 'UDPv4')
        return f'{found}, too little for shared memory: messages go over UDP; {advice}'
    if not has_images:
        return ''
    for name, needed in PROFILES.items():
        if free >= needed:
            os.environ[_profile_variable()] = str(share_directory() / 'config' / name)
            return ''
    return f'{found}, too little for images: they go in pieces, which is slower; {advice}'


def remove_leftovers(folder: Path = FOLDER, now: float | None = None) -> list[Path]:
    """
    Remove the segments whose process is dead: those of this user, whose lock is free.

    :param now: seconds since the epoch, None for the present
    :returns: the removed segments
    """
    fresh = (time.time() if now is None else now) - FRESH_S
    return [
        each.with_name(each.name.removesuffix('_el'))
        for each in folder.glob('fast*_el')
        if SEGMENT_LOCK.fullmatch(each.name) and _removed(each, fresh)
    ]


def free_bytes(folder: Path = FOLDER) -> int:
    """Return how much shared memory is left."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


def _removed(lock: Path, fresh: float) -> bool:
    """Remove a segment and its lock, unless it is in use, fresh, or of another user."""
    try:
        handle = os.open(lock, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # gone meanwhile, or of another user
        return False
    try:
        about = os.fstat(handle)
        is_own = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
        if not is_own or about.st_mtime > fresh:
            return False
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        lock.with_name(lock.name.removesuffix('_el')).unlink(missing_ok=True)
        lock.unlink(missing_ok=True)
    except OSError:  # locked by the process that it belongs to
        return False
    finally:
        os.close(handle)
    return True


def _profile_variable() -> str:
    has_3 = int(metadata.version('rclpy').partition('.')[0]) >= FIRST_WITH_FAST_DDS_3
    return PROFILE_VARIABLES[0 if has_3 else 1]
