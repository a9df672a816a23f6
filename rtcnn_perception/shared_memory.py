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

from collections.abc import Callable
from collections.abc import Mapping
import fcntl
from importlib import metadata
import os
from pathlib import Path
import re
import stat
import sys
import time

from rtcnn_perception.resources import share_directory

FOLDER = Path('/dev/shm')

PROFILE_VARIABLES = ('FASTDDS_DEFAULT_PROFILES_FILE', 'FASTRTPS_DEFAULT_PROFILES_FILE')
"""Variables that name a profile to Fast DDS 3, which warns of the other, and to Fast DDS 2."""
FIRST_WITH_FAST_DDS_3 = 9
"""Major version of rclpy in Kilted; Jazzy has 7 and Humble 3."""
TRANSPORTS_VARIABLE = 'FASTDDS_BUILTIN_TRANSPORTS'
"""Which transports Fast DDS uses where no profile says so, from its version 2.12 on."""
LARGE_DATA = 'LARGE_DATA?max_msg_size=4MB&sockets_size=32MB'
"""Its value with room for images: without options some are lost, as measured in docs/ros.md."""

CHOICES_OF_THE_USER = (
    *PROFILE_VARIABLES,
    TRANSPORTS_VARIABLE,
    'FASTDDS_ENVIRONMENT_FILE',
    'ROS_DISCOVERY_SERVER',
    'ROS_DISABLE_LOANED_MESSAGES',
    'RMW_FASTRTPS_USE_QOS_FROM_XML',
)
"""Variables by which a user configures Fast DDS: with one of them set, nothing is added."""
FILES_OF_THE_USER = ('DEFAULT_FASTDDS_PROFILES.xml', 'DEFAULT_FASTRTPS_PROFILES.xml')
"""Profiles that Fast DDS 3 and 2 read in the working directory, whatever is set."""

MIB = 1024 * 1024
PROFILES = {'fastdds.xml': 35 * MIB, 'fastdds_small.xml': 10 * MIB}
"""Profiles for images, by preference, with the bytes that a process takes with each."""
PROCESSES = 5
"""For which there is to be room: four of nodes, and a subscriber."""
LEAST = 4 * MIB
"""Bytes below which shared memory is not used: a few processes without a profile take that."""

SEGMENT_LOCK = re.compile('(?:fastrtps|fastdds)_[0-9a-f]{16}_el')
"""Beside each segment, a file that its process locks while it lives; by Fast DDS 2 and 3."""
FRESH_S = 10.0
"""Seconds for which a file may be not locked or complete yet."""
PORT = re.compile('(?:fastrtps|fastdds)_port[0-9]+')
"""A queue of messages to one process, which those that write to it open, or make, as well."""
COMPLETE = 2
"""First word of one that is: Boost.Interprocess, managed_open_or_create_impl.hpp."""


def prepare(*, has_images: bool) -> str:
    """
    Set for this process and its children what ``transport_variables`` returns.

    :returns: a sentence that warns of too little room; empty where there is enough
    """
    variables, warning = transport_variables(has_images=has_images)
    os.environ.update(variables)
    return warning


def transport_variables(
    *,
    has_images: bool,
    given: Mapping[str, str] = os.environ,
    folder: Path = FOLDER,
) -> tuple[dict[str, str], str]:
    """
    Remove what dead processes left, and choose how Fast DDS uses shared memory.

    Whatever the user set about transports or profiles is left as it is.

    :param has_images: whether images are published to other processes, which Fast DDS's own
        segments of 512 KB are too small for; one that only receives them needs no other segment
    :param given: the environment in which the processes start
    :returns: variables to add to their environment, and a sentence that warns of too little room,
        empty where there is enough
    """
    if 'fast' not in (given.get('RMW_IMPLEMENTATION') or 'fast') or not folder.is_dir():
        return {}, ''
    remove_leftovers(folder)
    free = free_bytes(folder)
    found = f'{folder} has {free / MIB:.1f} MiB left'
    advice = 'stop other processes, run `fastdds shm clean`, or give a container more (--shm-size)'
    if any(given.get(name) for name in CHOICES_OF_THE_USER) or any(
        Path(name).exists() for name in FILES_OF_THE_USER
    ):
        chosen = Path(next(filter(None, map(given.get, PROFILE_VARIABLES)), '')).name
        needed = PROFILES.get(chosen, 0)
        warning = (
            f'{found}, a process with the profile {chosen} needs {needed / MIB:.0f}: its messages '
            f'go over UDP; {advice}, or choose a smaller profile (docs/ros.md)'
        )
        return {}, warning if free < needed else ''
    if free < LEAST:
        warning = f'{found}, too little for shared memory: messages go over UDP; {advice}'
        return {TRANSPORTS_VARIABLE: 'UDPv4'}, warning
    if not has_images:
        return {}, ''
    for name, needed in PROFILES.items():
        if free >= PROCESSES * needed:
            return {_profile_variable(): str(share_directory() / 'config' / name)}, ''
    return {}, f'{found}, too little for images: they go in pieces, which is slower; {advice}'


def advice_against_loss(middleware: str, given: Mapping[str, str] = os.environ) -> str:
    """
    Return what to do about images that are lost between two processes.

    :param middleware: as RMW_IMPLEMENTATION names it
    :param given: the environment of the process that they are lost to
    """
    if 'fast' not in middleware:
        return 'raise net.core.rmem_max, or let the camera publish compressed images (docs/ros.md)'
    transports = given.get(TRANSPORTS_VARIABLE, '')
    if '?' in transports:
        return 'let the camera publish smaller or compressed images (docs/ros.md)'
    if transports:
        return f'set {TRANSPORTS_VARIABLE}={LARGE_DATA} for both processes (docs/ros.md)'
    named = next((each for each in PROFILE_VARIABLES if given.get(each)), _profile_variable())
    profile = given.get(named) or share_directory() / 'config' / next(iter(PROFILES))
    return f'start their publisher with {named}={profile} (docs/ros.md)'


def remove_leftovers(folder: Path = FOLDER, now: float | None = None) -> list[Path]:
    """
    Remove what dead processes of this user left.

    That are segments whose lock is free, and ports that were never completed, as their maker was
    killed at it: Fast DDS would wait for them without end in each process that opens one.

    :param now: seconds since the epoch, None for the present
    :returns: the removed segments and ports
    """
    fresh = (time.time() if now is None else now) - FRESH_S
    return [
        *(
            each.with_name(each.name.removesuffix('_el'))
            for each in folder.glob('fast*_el')
            if SEGMENT_LOCK.fullmatch(each.name) and _removed(each, fresh, _remove_segment)
        ),
        *(
            each
            for each in folder.glob('fast*_port*')
            if PORT.fullmatch(each.name) and _removed(each, fresh, _remove_incomplete)
        ),
    ]


def free_bytes(folder: Path = FOLDER) -> int:
    """Return how much shared memory is left."""
    room = os.statvfs(folder)
    return room.f_bavail * room.f_frsize


def _removed(file: Path, fresh: float, remove: Callable[[Path, int], bool]) -> bool:
    """Remove a file by a function of it and its handle, unless it is fresh or of another user."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:  # gone meanwhile, or of another user
        return False
    try:
        about = os.fstat(handle)
        is_own = stat.S_ISREG(about.st_mode) and about.st_uid == os.geteuid()
        return is_own and about.st_mtime <= fresh and remove(file, handle)
    except OSError:  # locked by the process that it belongs to
        return False
    finally:
        os.close(handle)


def _remove_segment(lock: Path, handle: int) -> bool:
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    lock.with_name(lock.name.removesuffix('_el')).unlink(missing_ok=True)
    lock.unlink(missing_ok=True)
    return True


def _remove_incomplete(port: Path, handle: int) -> bool:
    state = os.read(handle, 4)
    if len(state) == 4 and int.from_bytes(state, sys.byteorder) >= COMPLETE:
        return False
    port.unlink(missing_ok=True)
    return True


def _profile_variable() -> str:
    has_3 = int(metadata.version('rclpy').partition('.')[0]) >= FIRST_WITH_FAST_DDS_3
    return PROFILE_VARIABLES[0 if has_3 else 1]
