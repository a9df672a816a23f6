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

import io
import os
import shutil

import pytest
from rtcnn_perception.commands.progress import Progress


class Terminal(io.StringIO):
    """A terminal that keeps what is written."""

    def isatty(self):
        return True


def test_a_terminal_gets_one_line_that_is_overwritten():
    stream, out = Terminal(), io.StringIO()
    progress = Progress(stream, out)
    progress.show(0.0, 10.0, '30 fps')
    progress.show(5.0, 10.0, '30 fps')
    assert stream.getvalue().count('\n') == 0
    last = stream.getvalue().split('\r')[-1]
    assert '[############............] 5 of 10 s  30 fps' in last


def test_lines_that_stay_are_printed_above_the_one_that_is_overwritten():
    stream, out = Terminal(), io.StringIO()
    progress = Progress(stream, out)
    progress.show(1.0, 2.0, 'busy')
    progress.line('face 1: woman')
    assert out.getvalue() == 'face 1: woman\n'
    assert stream.getvalue().endswith('busy'), 'it is drawn again below'
    progress.clear()
    assert stream.getvalue().endswith('\r\x1b[K')


def test_a_log_gets_plain_lines_at_growing_intervals():
    stream = io.StringIO()
    progress = Progress(stream, io.StringIO())
    for second in range(1000):
        progress.show(float(second), None, '30 fps')
    lines = stream.getvalue().splitlines()
    assert lines[0] == '... 5 s  30 fps'
    assert 5 <= len(lines) <= 10
    assert '\r' not in stream.getvalue()


@pytest.mark.parametrize(('elapsed', 'total'), [(0.0, 10.0), (12.0, 10.0), (3.0, None)])
def test_a_line_never_wraps(monkeypatch, elapsed, total):
    monkeypatch.setenv('COLUMNS', '20')
    stream = Terminal()
    Progress(stream, io.StringIO()).show(elapsed, total, 'x' * 100)
    assert len(stream.getvalue().split('\x1b[K')[-1]) == 19


def test_the_bar_may_show_a_share_instead_of_seconds(monkeypatch):
    monkeypatch.setattr(shutil, 'get_terminal_size', lambda: os.terminal_size((100, 24)))
    stream = Terminal()
    Progress(stream).show(7.0, None, 'measuring', share=0.5)
    assert f'[{"#" * 12}{"." * 12}] 7 s  measuring' in stream.getvalue()
