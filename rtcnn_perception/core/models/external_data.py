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
Weights that a graph keeps in files beside it (ONNX external data), put into the graph.

onnxruntime resolves such files against the working directory for a graph that comes as bytes, and
may follow a path out of the folder of one that comes as a path. A graph that holds its weights is
the one whose checksum was compared, wherever the process stands.
The core does without the package onnx: what is read here are the fields of Protocol Buffers.
Source: github.com/onnx/onnx, ``onnx/onnx.proto`` and ``docs/ExternalData.md``.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from typing import NamedTuple

KEY: Final = b'location'
"""Stands in every graph with external data."""

MOST_BYTES: Final = 2**31 - 1
"""What a message of Protocol Buffers may have."""

MOST_DEPTH: Final = 100
"""How deep messages may be nested in one another; protobuf reads no deeper either."""

VARINT, EIGHT_BYTES, MESSAGE, FOUR_BYTES = 0, 1, 2, 5
"""How the value of a field is written."""

CHILDREN: Final = {
    'model': {7: 'graph', 20: 'training', 25: 'function'},
    'training': {1: 'graph', 2: 'graph'},
    'graph': {1: 'node', 5: 'tensor', 15: 'sparse'},
    'function': {7: 'node', 11: 'attribute'},
    'node': {5: 'attribute'},
    'attribute': {5: 'tensor', 6: 'graph', 10: 'tensor', 11: 'graph', 22: 'sparse', 23: 'sparse'},
    'sparse': {1: 'tensor', 2: 'tensor'},
}
"""The fields through which a tensor is reached, by the kind of message."""

RAW_DATA, EXTERNAL_DATA, DATA_LOCATION = 9, 13, 14
"""Fields of a tensor."""


class Field(NamedTuple):
    """A field of a message: its number, how it is written, its value, and all of its bytes."""

    number: int
    wire: int
    value: memoryview
    whole: memoryview


def embedded(graph: bytes, read: Callable[[str], bytes]) -> bytes:
    """
    Return a graph that holds the weights it names in other files; as it is where it names none.

    :param graph: serialised
    :param read: returns the content of a file beside the graph, by its name
    :raises ValueError: if the graph cannot be read, or names what is no file beside it, or a part
        that the file does not have
    """
    if KEY not in graph:
        return graph
    found = _Embedding(read).message('model', memoryview(graph), 0)
    return graph if isinstance(found, memoryview) else found


class _Embedding:
    """Rewrites messages, and counts what is put into them: names may stand for one file often."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._left = MOST_BYTES

    def message(self, kind: str, content: memoryview, depth: int) -> memoryview | bytes:
        """Return a message with the weights of all tensors in it, itself where there are none."""
        if depth > MOST_DEPTH:
            raise ValueError(f'it is nested deeper than {MOST_DEPTH} levels')
        if kind == 'tensor':
            return self._tensor(content)
        children, is_changed = CHILDREN[kind], False
        parts: list[memoryview | bytes] = []
        for field in _fields(content):
            child = children.get(field.number) if field.wire == MESSAGE else None
            found = field.value if child is None else self.message(child, field.value, depth + 1)
            if found is field.value:
                parts.append(field.whole)
            else:
                is_changed = True
                parts += _written(field.number, found)
        return b''.join(parts) if is_changed else content

    def _tensor(self, content: memoryview) -> memoryview | bytes:
        entries, kept, is_external = {}, [], False
        for field in _fields(content):
            if field.number == EXTERNAL_DATA:
                entry = {each.number: bytes(each.value) for each in _fields(field.value)}
                entries[entry.get(1, b'').decode()] = entry.get(2, b'').decode()
            elif field.number == DATA_LOCATION:
                is_external = _varint(field.value, 0)[0] != 0
            elif field.number != RAW_DATA:
                kept.append(field.whole)
        if not is_external:
            return content
        weights = self._weights(entries)
        self._left -= len(weights)
        if self._left < 0:
            raise ValueError(f'its weights have over {MOST_BYTES} bytes together')
        return b''.join((*kept, *_written(RAW_DATA, weights)))

    def _weights(self, entries: dict[str, str]) -> memoryview:
        name = entries.get('location', '')
        if name in ('', '.', '..') or Path(name).name != name or '\0' in name:
            raise ValueError(f'its weights must lie in a file beside it, not at {name[:80]!r}')
        content = memoryview(self._read(name))
        begin = _whole_number(entries.get('offset', '0'))
        length = _whole_number(entries.get('length', str(max(len(content) - begin, 0))))
        if begin + length > len(content):
            raise ValueError(
                f'it expects {begin + length} bytes in {name}, which has {len(content)}'
            )
        return content[begin : begin + length]


def _whole_number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise ValueError(f'expected a place in a file, got {text[:80]!r}')
    return int(text)


def _fields(content: memoryview) -> Iterator[Field]:
    place = 0
    while place < len(content):
        begin = place
        tag, place = _varint(content, place)
        value_begin, wire = place, tag & 7
        if wire == VARINT:
            _, place = _varint(content, place)
        elif wire == MESSAGE:
            length, value_begin = _varint(content, place)
            place = value_begin + length
        elif wire in (EIGHT_BYTES, FOUR_BYTES):
            place += 8 if wire == EIGHT_BYTES else 4
        else:
            raise ValueError(f'byte {begin} of a message begins no field')
        if place > len(content):
            raise ValueError('it breaks off')
        yield Field(tag >> 3, wire, content[value_begin:place], content[begin:place])


def _varint(content: memoryview, place: int) -> tuple[int, int]:
    """Return a number in seven bits a byte, and the place behind it."""
    number = 0
    for index, byte in enumerate(content[place : place + 10]):
        number |= (byte & 0x7F) << (7 * index)
        if byte < 0x80:
            return number, place + index + 1
    raise ValueError('it breaks off')


def _written(number: int, value: bytes | memoryview) -> tuple[bytes, bytes | memoryview]:
    """Return the head of a field of this value, and the value."""
    head = bytearray()
    for each in (number << 3 | MESSAGE, len(value)):
        rest = each
        while rest >= 0x80:
            head.append(rest & 0x7F | 0x80)
            rest >>= 7
        head.append(rest)
    return bytes(head), value
