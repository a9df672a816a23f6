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

"""The machine and the software that figures belong to, read from /proc and the packages."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import metadata
import os
from pathlib import Path
import platform

PACKAGES = ('numpy', 'opencv-python-headless', 'onnxruntime', 'scipy', 'rclpy')
DISTRIBUTIONS: Mapping[str, str] = {'3': 'humble', '4': 'iron', '7': 'jazzy', '9': 'kilted'}
"""By the major version of rclpy."""
PAGE_BYTES = os.sysconf('SC_PAGE_SIZE')
TICKS_PER_SECOND = os.sysconf('SC_CLK_TCK')


def describe() -> dict[str, str]:
    """Return what to write beside any figure, by name."""
    return {
        'CPU': _field(Path('/proc/cpuinfo'), 'model name') or platform.processor() or 'unknown',
        'cores': str(len(os.sched_getaffinity(0))),
        'memory': f'{os.sysconf("SC_PHYS_PAGES") * PAGE_BYTES / 2**30:.0f} GiB',
        'system': _os_name(),
        'kernel': platform.release(),
        'Python': platform.python_version(),
        # Where ROS was installed by pip, nothing names it in the environment.
        'ROS distribution': os.environ.get('ROS_DISTRO')
        or DISTRIBUTIONS.get(_version('rclpy').partition('.')[0], 'not named'),
        'middleware': os.environ.get('RMW_IMPLEMENTATION') or 'the default of the distribution',
        **{name: _version(name) for name in PACKAGES},
    }


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:  # from the system's packages
        return 'as the system has it'


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB (10^6 bytes)."""
    return int(Path(f'/proc/{pid}/statm').read_text().split()[1]) * PAGE_BYTES / 1e6


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken, in seconds of one core."""
    # The second field, the name, is in parentheses and may hold blanks.
    fields = Path(f'/proc/{pid}/stat').read_text().rpartition(')')[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_PER_SECOND


def _field(path: Path, name: str) -> str:
    for line in path.read_text().splitlines():
        key, _, value = line.partition(':')
        if key.strip() == name:
            return value.strip()
    return ''


def _os_name() -> str:
    try:
        return platform.freedesktop_os_release()['PRETTY_NAME']
    except OSError:  # no such file
        return platform.system()
