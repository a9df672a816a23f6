"""
The process of an executable: its signals, its end and that of its children.

Only the standard library is imported, as the executables do so before anything else.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
import ctypes
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Signals that end a process: Ctrl-C, that of service managers, and a terminal that is closed."""

LATEST_END = 1.8
"""
Seconds after a signal at which a process of nodes ends whatever is at hand.

It promises to end within 2; its threads have less, see ``rtcnn_perception.nodes.host``.
"""

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h

Handler = Callable[[int, FrameType | None], object]


def handle_end_signals(handler: Handler) -> dict[signal.Signals, signal._HANDLER]:
    """
    Handle the signals that end a process; from the main thread.

    :returns: the handlers of before, without a SIGHUP that is ignored, as by ``nohup``: it stays
        ignored
    """
    return {
        each: signal.signal(each, handler)
        for each in END_SIGNALS
        if each != signal.SIGHUP or signal.getsignal(each) != signal.SIG_IGN
    }


def restore_signals(before: dict[signal.Signals, signal._HANDLER]) -> None:
    """Set the handlers that ``handle_end_signals`` returned."""
    for each, handler in before.items():
        signal.signal(each, handler)


def end_at_latest(seconds: float) -> None:
    """
    End this process with exit code 0 at most ``seconds`` after a signal, whatever it does.

    Python runs a handler between two of its own instructions: never while a call of a driver or
    of a network blocks the main thread. So a thread reads of the signal, which is written to a
    pipe at once. From the main thread, once.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)

    def watch() -> None:
        while not set(os.read(reader, 64)) & set(END_SIGNALS):
            pass
        time.sleep(seconds)
        os._exit(0)

    threading.Thread(target=watch, name='latest end', daemon=True).start()


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
