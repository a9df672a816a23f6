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

"""End a process whose interpreter stands still, so that whoever started it can start it again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
import faulthandler
import threading
from typing import Final

STUCK_AFTER: Final = 30.0
"""
Seconds for which the interpreter may stand still.

A call that never returns and keeps the interpreter's lock stops every thread of Python and every
handler of a signal. Fast DDS 2.14 has two: it takes an image of which a process that was killed
had sent a part, and it opens a port that one had not completed.
"""

STDERR: Final = 2


@contextmanager
def watched() -> Iterator[None]:
    """
    Watch the interpreter until the end of the context.

    Where it stands still, a thread that needs no lock prints where all others are and ends the
    process with exit code 1. A process that was suspended for as long may end, too.
    """
    is_over = threading.Event()

    def feed() -> None:
        while True:
            faulthandler.dump_traceback_later(STUCK_AFTER, exit=True, file=STDERR)
            if is_over.wait(STUCK_AFTER / 5):
                break
        faulthandler.cancel_dump_traceback_later()

    thread = threading.Thread(target=feed, name='watchdog', daemon=True)
    thread.start()
    try:
        yield
    finally:
        is_over.set()
        thread.join()
