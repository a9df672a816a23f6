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

"""A process that a signal ends: in its own time where it handles it, else at the latest."""

import signal
import subprocess
import sys

import pytest

START = """
import hashlib, os, signal, threading, time
from rtcnn_perception import process

handled = []
process.handle_end_signals(lambda number, _: handled.append(number))
process.end_at_latest(1.5, unless_handled=True)

def wait():
    time.sleep(2.2)
    print('handled', sorted(handled))

def no_python():
    hashlib.pbkdf2_hmac('sha256', b'', b'', 40_000_000)  # as a driver that does not return

def send_soon(number):
    threading.Timer(0.1, os.kill, (os.getpid(), number)).start()
"""

TOGETHER = """
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGHUP})
os.kill(os.getpid(), signal.SIGTERM)
os.kill(os.getpid(), signal.SIGHUP)
signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGHUP})
wait()
"""
IN_ONE_CALL = """
send_soon(signal.SIGTERM)
send_soon(signal.SIGHUP)
hashlib.pbkdf2_hmac('sha256', b'', b'', 400_000)
wait()
"""


def run(script):
    return subprocess.run(
        [sys.executable, '-c', START + script], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ('script', 'numbers'),
    [
        ('os.kill(os.getpid(), signal.SIGINT)\nwait()', [signal.SIGINT]),
        (TOGETHER, [signal.SIGHUP, signal.SIGTERM]),
        (IN_ONE_CALL, [signal.SIGHUP, signal.SIGTERM]),
    ],
    ids=['one', 'two together', 'two in one call'],
)
def test_a_process_that_handles_its_signals_ends_in_its_own_time(script, numbers):
    found = run(script)
    assert (found.returncode, found.stderr) == (0, '')
    assert found.stdout == f'handled {[int(each) for each in numbers]}\n'


@pytest.mark.parametrize('before', ['', 'os.kill(os.getpid(), signal.SIGHUP)\n'])
def test_a_process_that_cannot_handle_a_signal_is_ended_as_by_it(before):
    found = run(f'{before}send_soon(signal.SIGTERM)\nno_python()\nprint("returned")')
    assert (found.returncode, found.stdout, found.stderr) == (128 + signal.SIGTERM, '', '')


def test_a_process_of_nodes_ends_at_the_latest_though_it_handles_the_signal():
    script = 'process.end_at_latest(0.2)\nos.kill(os.getpid(), signal.SIGTERM)\nwait()'
    assert run(script).stdout == ''


def test_a_signal_that_ends_no_process_is_none_of_it():
    script = 'signal.signal(signal.SIGUSR1, lambda *_: None)\nsend_soon(signal.SIGUSR1)\nwait()'
    assert run(script).stdout == 'handled []\n'


def test_threads_share_their_heaps():
    """By the first allocation of each of twenty threads, which would make a heap of its own."""
    script = """
import ctypes, threading
from rtcnn_perception import process

libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
process.share_heaps()
barrier = threading.Barrier(20)

def allocate():
    libc.malloc(ctypes.c_size_t(5000))
    barrier.wait()

threads = [threading.Thread(target=allocate) for _ in range(20)]
for each in threads:
    each.start()
for each in threads:
    each.join()
libc.malloc_info(0, ctypes.c_void_p.in_dll(libc, 'stdout'))
libc.fflush(None)
"""
    found = subprocess.run(
        [sys.executable, '-c', script], capture_output=True, text=True, check=True
    )
    assert 1 <= found.stdout.count('<heap nr=') <= 2
