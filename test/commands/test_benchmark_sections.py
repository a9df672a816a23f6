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

import pytest
from rtcnn_perception.commands.benchmark.sections import as_markdown
from rtcnn_perception.commands.benchmark.sections import as_text
from rtcnn_perception.commands.benchmark.sections import Section
from rtcnn_perception.commands.benchmark.sections import Target
from rtcnn_perception.commands.benchmark.sections import with_range

TABLE = Section(
    'Latency',
    columns=('nodes', 'p50 [ms]'),
    rows=(('composed', '9.5'), ('three processes', '20.1')),
    notes=('To another process.',),
    targets=(Target('p50 at most 15 ms', '9.5 ms', True), Target('p99', '40 ms', False)),
)
ABSENT = Section('Clips', skipped='there are no clips')


@pytest.mark.parametrize(
    ('values', 'digits', 'expected'),
    [
        ([1.0], 1, '1.0'),
        ([1.0, 1.01, 1.02], 1, '1.0'),
        ([3.0, 1.0, 2.0], 1, '2.0 (1.0 to 3.0)'),
        ([3.0, 1.0], 0, '2 (1 to 3)'),
    ],
)
def test_a_range_is_shown_where_it_differs_from_the_median(values, digits, expected):
    assert with_range(values, digits) == expected


def test_a_table_for_terminals_has_aligned_columns():
    lines = as_text(TABLE).splitlines()
    assert lines[0] == 'Latency'
    assert lines[2:5] == [
        'nodes            p50 [ms]',
        'composed              9.5',
        'three processes      20.1',
    ]
    assert 'holds: p50 at most 15 ms: 9.5 ms' in lines
    assert 'DOES NOT HOLD: p99: 40 ms' in lines


def test_a_skipped_part_has_its_reason():
    assert 'skipped: there are no clips' in as_text(ABSENT)
    assert 'Skipped: there are no clips' in as_markdown([ABSENT], {}, 'today', 'bench')


def test_the_document_names_machine_date_and_command():
    text = as_markdown([TABLE, ABSENT], {'CPU': 'fast'}, '2026-01-01', 'bench --quick')
    assert text.startswith('# Benchmarks\n')
    assert '- CPU: fast\n' in text
    assert '- date: 2026-01-01\n' in text
    assert '- command: `bench --quick`\n' in text
    assert '| p50 at most 15 ms | 9.5 ms | yes |\n' in text
    assert '| p99 | 40 ms | **no** |\n' in text
    assert '| three processes | 20.1 |\n' in text
    assert text.endswith('\n')
    assert '\n\n\n' not in text
