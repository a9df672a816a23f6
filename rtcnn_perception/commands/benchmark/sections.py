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

"""A benchmark's results as tables, and their rendering for terminals and documents."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
import statistics

Row = tuple[str, ...]


@dataclass(frozen=True)
class Target:
    """Something that must hold, and whether it did."""

    text: str
    measured: str
    holds: bool


@dataclass(frozen=True)
class Section:
    """
    One table with what is to be said about it.

    ``raw`` holds the figures of every repetition. ``skipped`` says why there is no table.
    """

    title: str
    columns: Row = ()
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    targets: tuple[Target, ...] = ()
    skipped: str = ''
    raw: Mapping[str, object] = field(default_factory=dict)


def with_range(values: Sequence[float], digits: int = 1) -> str:
    """Return the median and, where it says something, the range."""
    low, middle, high = (
        f'{value:.{digits}f}' for value in (min(values), statistics.median(values), max(values))
    )
    return middle if low == high else f'{middle} ({low} to {high})'


def as_text(section: Section) -> str:
    """Render for a terminal."""
    lines = [section.title, '-' * len(section.title)]
    if section.skipped:
        return '\n'.join([*lines, f'skipped: {section.skipped}', ''])
    widths = [max(map(len, column)) for column in zip(section.columns, *section.rows, strict=True)]
    for row in (section.columns, *section.rows):
        cells = [
            cell.ljust(width) if index == 0 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append('  '.join(cells).rstrip())
    lines += [f'{note}' for note in section.notes]
    for target in section.targets:
        verdict = 'holds' if target.holds else 'DOES NOT HOLD'
        lines.append(f'{verdict}: {target.text}: {target.measured}')
    return '\n'.join([*lines, ''])


def as_markdown(
    sections: Iterable[Section], machine: Mapping[str, str], date: str, command: str
) -> str:
    """Render as a document."""
    sections = tuple(sections)
    lines = [
        '# Benchmarks',
        '',
        'Written by the command below, not by hand; run it to see what holds elsewhere.',
        'Figures are medians over the repetitions, with the range in parentheses.',
        '',
        f'- command: `{command}`',
        f'- date: {date}',
        *(f'- {name}: {value}' for name, value in machine.items()),
        '',
    ]
    targets = [target for section in sections for target in section.targets]
    if targets:
        lines += ['## What must hold', '', '| | measured | holds |', '| --- | --- | --- |']
        lines += [
            f'| {each.text} | {each.measured} | {"yes" if each.holds else "**no**"} |'
            for each in targets
        ]
        lines.append('')
    for section in sections:
        lines += [f'## {section.title}', '']
        if section.skipped:
            lines += [f'Skipped: {section.skipped}', '']
            continue
        lines += [_markdown_row(section.columns), _markdown_row(['---'] * len(section.columns))]
        lines += [*map(_markdown_row, section.rows), '']
        lines += [*section.notes, ''] if section.notes else []
    return '\n'.join(lines).rstrip() + '\n'


def _markdown_row(cells: Iterable[str]) -> str:
    return f'| {" | ".join(cells)} |'
