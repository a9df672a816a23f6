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

"""A process whose interpreter stands still ends, and says where; any other is left alone."""

import subprocess
import sys

STUCK = """
import ctypes
from rtcnn_perception import watchdog
watchdog.STUCK_AFTER = 1.0
with watchdog.watched():
    ctypes.PyDLL(None).sleep(600)  # keeps the interpreter's lock, as a call that never returns
"""
BUSY = """
import time
from rtcnn_perception import watchdog
watchdog.STUCK_AFTER = 3.0
with watchdog.watched():
    end = time.monotonic() + 4.0
    while time.monotonic() < end:
        pass
print('done')
"""


def run(code):
    return subprocess.run(
        [sys.executable, '-c', code], capture_output=True, text=True, timeout=300, check=False
    )


def test_a_call_that_never_returns_and_keeps_the_lock_ends_the_process_and_is_named():
    done = run(STUCK)
    assert done.returncode == 1
    assert 'Timeout (0:00:01)!' in done.stderr
    assert 'line 6 in <module>' in done.stderr


def test_a_process_that_is_busy_goes_on():
    done = run(BUSY)
    assert (done.returncode, done.stdout, done.stderr) == (0, 'done\n', '')
