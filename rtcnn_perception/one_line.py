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

"""Text of strangers as one line of bounded length, for logs, diagnostics and terminals."""

from __future__ import annotations

MOST = 600
"""Characters of a line that are kept; a longer one loses its middle."""


def bounded(text: str, most: int = MOST) -> str:
    """
    Return a text as one line of bounded length.

    Characters that cannot be printed, such as a line feed, are escaped as in Python, and a long
    text loses its middle, so that a message keeps what stands after the text it quotes.

    :param most: characters that are kept, half of them of its beginning
    """
    if len(text) <= most:
        line = _escaped(text)
        if len(line) <= most:
            return line
    # Cut before it is escaped as well: escaping 1 MB takes long.
    half = most // 2
    head, tail = _escaped(text[:half])[:half], _escaped(text[-half:])[-half:]
    return f'{head} [... cut from {len(text)} characters ...] {tail}'


def _escaped(text: str) -> str:
    if text.isprintable():
        return text
    return ''.join(
        each if each.isprintable() else each.encode('unicode_escape').decode('ascii')
        for each in text
    )
