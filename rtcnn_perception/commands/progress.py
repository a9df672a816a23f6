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

"""Progress on the terminal, without a library."""

from __future__ import annotations

import shutil
import sys
from typing import TextIO

BAR_WIDTH = 24
QUIET_STEP_S = 5.0
"""First interval of lines where stderr is no terminal; it then doubles."""


class Progress:
    """
    One line on stderr that is overwritten, and lines on stdout that stay.

    Where stderr is no terminal, such as in a log, plain lines come at growing intervals instead.
    """

    def __init__(self, stream: TextIO | None = None, out: TextIO | None = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._out = sys.stdout if out is None else out
        self._is_terminal = self._stream.isatty()
        self._shown = ''
        self._next_line = QUIET_STEP_S

    def show(
        self, elapsed: float, total: float | None, text: str, share: float | None = None
    ) -> None:
        """
        Show ``elapsed`` of ``total`` seconds; None where there is no end.

        :param share: the part that is done, where time does not show it
        """
        of = f'{elapsed:.0f} s' if total is None else f'{min(elapsed, total):.0f} of {total:.0f} s'
        if share is None and total is not None:
            share = elapsed / total
        if self._is_terminal:
            shown = '' if share is None else f'{bar(share)} '
            self._draw(f'{shown}{of}  {text}')
        elif elapsed >= self._next_line:
            self._next_line = max(2 * self._next_line, elapsed + QUIET_STEP_S)
            self._stream.write(f'... {of}  {text}\n')
            self._stream.flush()

    def line(self, text: str) -> None:
        """Print a line that stays, above the one that is overwritten."""
        shown = self._shown
        self.clear()
        self._out.write(f'{text}\n')
        self._out.flush()
        if shown:
            self._draw(shown)

    def clear(self) -> None:
        """Remove the line."""
        if self._shown:
            self._stream.write('\r\x1b[K')
            self._stream.flush()
            self._shown = ''

    def _draw(self, text: str) -> None:
        # A line that wraps cannot be overwritten.
        self._shown = text[: shutil.get_terminal_size().columns - 1]
        self._stream.write(f'\r\x1b[K{self._shown}')
        self._stream.flush()


def bar(fraction: float) -> str:
    """Return a bar of which a fraction is filled."""
    filled = round(BAR_WIDTH * min(max(fraction, 0.0), 1.0))
    return f'[{"#" * filled}{"." * (BAR_WIDTH - filled)}]'
