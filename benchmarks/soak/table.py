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

"""The tables of a soak, for the page that has them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
import re
from typing import Any

BEGIN, END = '<!-- soak: begin -->', '<!-- soak: end -->'
"""What encloses the tables in the page."""

Part = Mapping[str, Any]

FRAMES: tuple[tuple[str, str], ...] = (
    ('answered', 'answered'),
    ('refused', 'refused by name'),
    ('dropped', 'dropped for newer ones'),
    ('lost', 'lost by DDS, and counted'),
    ('aside', 'not to be accounted for: while nodes were inactive or killed, drivers restarted'),
    ('unaccounted', '**counted nowhere**'),
    ('twice', '**answered twice**'),
    ('bad_answered', '**damaged, and answered**'),
)
"""The rows of the first table: key and heading."""

HELD: tuple[tuple[str, str], ...] = (
    ('resident_mb', 'resident memory [MB]'),
    ('shared_memory_mb', '`/dev/shm` of DDS [MB]'),
    ('descriptors', 'file descriptors'),
    ('threads', 'threads'),
)


def page_with(page: str, parts: Sequence[Part]) -> str:
    """Return a page with the tables between its markers replaced."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f'{before}{BEGIN}\n\n{tables(parts)}\n{END}{after}'


def tables(parts: Sequence[Part]) -> str:
    """Return all tables."""
    kinds = [*dict.fromkeys(part['kind'] for part in parts)]
    frames = sum(sum(part['sent'].values()) for part in parts)
    hours = sum(part['seconds'] for part in parts) / 3600
    machines = ' and '.join(dict.fromkeys(part['machine'] for part in parts))
    lines = [
        f'{frames:,} frames in {len(parts)} parts, {hours:.1f} hours, to {parts[-1]["ended"]} '
        f'UTC; {machines}.',
        '',
        *_table(['', *kinds], _frame_rows(parts, kinds)),
        '',
        'What was done meanwhile: ' + _listed(_sum(parts, 'events')) + '.',
        '',
        'Processes together, at the beginning of a part once warm, in its middle and at its end; '
        'the part whose memory grew most:',
        '',
        *_table(['', *kinds], _held_rows(parts, kinds)),
        '',
        'Errors by cause; those of processes that were killed later are not in it:',
        '',
        *_table(['node, class and file', 'count'], _error_rows(parts)),
        '',
    ]
    wrong = Counter(each for part in parts for each in part['wrong'])
    if wrong:
        lines += ['What must not happen and did:', '']
        lines += [f'- {text} ({count} times)' for text, count in wrong.most_common()]
    else:
        lines.append('Nothing that must not happen did.')
    return '\n'.join([*lines, ''])


def _frame_rows(parts: Sequence[Part], kinds: Sequence[str]) -> Iterable[list[str]]:
    sent = {kind: _sum(_of(parts, kind), 'sent') for kind in kinds}
    yield ['parts', *(str(len(_of(parts, kind))) for kind in kinds)]
    yield ['frames published', *(f'{sum(sent[kind].values()):,}' for kind in kinds)]
    yield ['of them damaged', *(f'{sent[k]["bad"] + sent[k]["either"]:,}' for k in kinds)]
    for key, heading in FRAMES:
        yield [heading, *(f'{_sum(_of(parts, kind), "counts")[key]:,}' for kind in kinds)]


def _held_rows(parts: Sequence[Part], kinds: Sequence[str]) -> Iterable[list[str]]:
    worst = {
        kind: max(
            (part['resources'] for part in _of(parts, kind) if len(part['resources']) == 3),
            key=lambda held: held[-1]['resident_mb'] - held[0]['resident_mb'],
            default=[],
        )
        for kind in kinds
    }
    for key, heading in HELD:
        yield [heading, *(' → '.join(f'{each[key]:g}' for each in worst[k]) for k in kinds)]


def _error_rows(parts: Sequence[Part]) -> Iterable[list[str]]:
    # Parts of several versions of a file differ in its lines.
    causes: Counter[str] = Counter()
    for cause, count in _sum(parts, 'errors').items():
        causes[re.sub(r':\d+$', '', cause)] += count
    for cause, count in causes.most_common():
        yield [f'`{cause}`', f'{count:,}']


def _of(parts: Sequence[Part], kind: str) -> list[Part]:
    return [part for part in parts if part['kind'] == kind]


def _sum(parts: Iterable[Part], name: str) -> Counter[str]:
    total: Counter[str] = Counter()
    for part in parts:
        total.update(part[name])
    return total


def _listed(counts: Mapping[str, int]) -> str:
    return ', '.join(f'{count:,} {what}' for what, count in counts.items())


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterable[str]:
    yield f'| {" | ".join(head)} |'
    yield f'|{" --- |" * len(head)}'
    for row in rows:
        yield f'| {" | ".join(row)} |'
