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
The process of an executable: its signals, its end and that of its children.

Only the standard library is imported, as the executables do so before anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
import ctypes
import os
import select
import signal
import sys
import threading
import time
import traceback
from types import FrameType
from typing import NoReturn

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process: Ctrl-C, that of service managers, and a terminal that is closed."""

LATEST_END = 1.8
"""
Seconds after a signal at which a process of nodes ends whatever is at hand.

It promises to end within 2; its threads have less, see ``rtcnn_perception.nodes.host``.
"""

EXIT_SIGNAL = 128
"""Added to the number of the signal that ended a command, as shells have it."""

HEAPS = 2
"""
Heaps of the C library, which would make one for each thread, up to eight for each core.

Images go from thread to thread, and what one frees another does not get: after 10,500 frames of a
film, nodes in one process held 292 MB, and 249 MB with two (``bench --parts memory``).
"""

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h
_M_ARENA_MAX = -8  # of glibc's malloc.h

Handler = Callable[[int, FrameType | None], object]

HANDLED_EVERY = 0.02
"""Seconds between looks, after a signal, whether a handler has run."""


class _Signals:
    """
    How many handlers of signals that end the process have run.

    ``reader`` is the pipe of all signals, where those that are handled are to be taken from it.
    No lock: a handler may interrupt another one.
    """

    handled = 0
    reader: int | None = None

    @classmethod
    def note_handled(cls) -> None:
        """Count a handler, which is for all signals up to now."""
        if cls.reader is not None:
            with suppress(BlockingIOError):
                os.read(cls.reader, 4096)
        cls.handled += 1


def handle_end_signals(handler: Handler) -> dict[signal.Signals, signal._HANDLER]:
    """
    Handle the signals that end a process; from the main thread.

    :returns: the handlers of before, without a SIGHUP that is ignored, as by ``nohup``: it stays
        ignored
    """

    def on_signal(number: int, frame: FrameType | None) -> None:
        _Signals.note_handled()
        handler(number, frame)

    return {
        each: signal.signal(each, on_signal)
        for each in END_SIGNALS
        if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN
    }


def restore_signals(before: dict[signal.Signals, signal._HANDLER]) -> None:
    """Set the handlers that ``handle_end_signals`` returned."""
    for each, handler in before.items():
        signal.signal(each, handler)


def end_at_latest(seconds: float, *, unless_handled: bool = False) -> None:
    """
    End this process at most ``seconds`` after a signal, whatever it does.

    Python runs a handler between two of its own instructions: never while a call of a driver or
    of a network blocks the main thread. So a thread reads of the signal, which is written to a
    pipe at once. From the main thread, once.

    :param unless_handled: let a process that handles the signal end in its own time; another ends
        as by the signal, with 128 and its number. Without it the exit code is 0
    """
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    if unless_handled:
        _Signals.reader = reader
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        while True:
            select.select([reader], [], [])
            handled = _Signals.handled  # before reading: a handler reads first, then it counts
            try:
                numbers = frozenset(END_SIGNALS).intersection(os.read(reader, 4096))
            except BlockingIOError:  # a handler has run already
                continue
            if not numbers:
                continue
            if not unless_handled:
                time.sleep(seconds)
                os._exit(0)
            end = time.monotonic() + seconds
            while _Signals.handled == handled:
                if time.monotonic() > end:
                    os._exit(EXIT_SIGNAL + min(numbers))
                time.sleep(HANDLED_EVERY)

    threading.Thread(target=watch, name='latest end', daemon=True).start()


def share_heaps() -> None:
    """Let all threads share ``HEAPS``, before there are any; only where this is glibc's malloc."""
    with suppress(AttributeError):
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, HEAPS)


def open_standard_streams() -> bool:
    """
    Open those of the standard streams that are closed, on /dev/null.

    Else the next file or socket would be taken for the stream. What names of files make no UTF-8
    is escaped on standard output, as Python does on standard error.

    :returns: whether standard output was open
    """
    is_open = sys.stdout is not None
    for number, name in enumerate(('stdin', 'stdout', 'stderr')):
        if getattr(sys, name) is None:
            handle = os.open(os.devnull, os.O_RDWR)
            if handle != number:
                os.dup2(handle, number)
                os.close(handle)
            setattr(sys, name, os.fdopen(number, 'w' if number else 'r', closefd=False))
    with suppress(AttributeError):  # a stream that a test has put there
        sys.stdout.reconfigure(errors='backslashreplace')  # type: ignore[union-attr]
    return is_open


def leave_after(main: Callable[[], int]) -> NoReturn:
    """End this process with the exit code of ``main``, or after the traceback of a defect."""
    try:
        code = main()
    except Exception:  # noqa: BLE001 - shown as Python does, but threads may be at work
        traceback.print_exc()
        code = 1
    leave(code)


def leave(code: int) -> NoReturn:
    """
    End this process with an exit code, whatever its threads do and whatever signal comes.

    Python's own end would wait for some threads, and end others in the midst of a call: one that
    returns to a C++ function aborts the process.
    """
    for each in END_SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def end_with(parent: int) -> None:
    """
    Let the system end this process when its parent ends in any way; Linux alone can do so.

    :param parent: process id of the parent, which may have ended before this call
    """
    prctl = getattr(ctypes.CDLL(None), 'prctl', None)
    if prctl is None or prctl(_PR_SET_PDEATHSIG, signal.SIGTERM) != 0:
        return
    if os.getppid() != parent:
        os._exit(0)
