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

"""What the soak takes for good is accepted by the nodes, and what it takes for bad is refused."""

from collections import Counter
from dataclasses import replace

from frames import compressed_frames
from frames import raw_frames
from frames import STAMPS
from parts import Record
import pytest
from rig import Resources
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.nodes.conversions.images import frame_from_compressed
from rtcnn_perception.nodes.conversions.images import frame_from_image
from scripted import image
from table import BEGIN
from table import END
from table import page_with

LIMIT = 100.0
"""The default of max_megapixels."""


@pytest.mark.parametrize(
    ('make', 'read'),
    [(raw_frames, frame_from_image), (compressed_frames, frame_from_compressed)],
)
def test_good_frames_are_accepted_and_bad_ones_refused(make, read):
    frames = make()
    for messages in frames.good.values():
        for msg in messages:
            assert read(msg, received_ns=0, max_megapixels=LIMIT).size_wh[0] >= 160
    for messages in frames.bad.values():
        for msg in messages:
            with pytest.raises(PerceptionError):
                read(msg, received_ns=0, max_megapixels=LIMIT)


@pytest.mark.parametrize('name', STAMPS)
def test_a_bad_stamp_is_refused(name):
    msg = image(1)
    msg.header.stamp.sec, msg.header.stamp.nanosec = STAMPS[name]
    with pytest.raises(PerceptionError, match='stamp'):
        frame_from_image(msg, received_ns=0)


@pytest.mark.parametrize(
    ('name', 'grown', 'wrong'),
    [
        ('resident_mb', 325.0, []),
        ('resident_mb', 340.0, ['resident_mb grew from 300 to 340']),
        ('descriptors', 34, ['descriptors grew from 30 to 34']),
        ('threads', 23, ['threads grew from 20 to 23']),
    ],
)
def test_what_grows_to_the_end_of_a_part_is_wrong(name, grown, wrong):
    middle = Resources(300.0, 71.0, 30, 20)
    record = Record('raw', resources=[middle, middle, replace(middle, **{name: grown})])
    record.check_growth()
    assert record.wrong == wrong


def test_the_page_gets_the_sums_of_all_parts_between_its_markers():
    held = [Resources(200.0 + number, 0.5, 25, 22) for number in range(3)]
    parts = [
        {
            **Record(
                kind,
                sent=Counter(good=1000, bad=500),
                counts=Counter(answered=1000, refused=500),
                events=Counter({'processes killed': 2}),
                errors=Counter({f'camera: ImageFormatError at png.py:{line}': 500}),
                resources=held,
                wrong=wrong,
                seconds=1800.0,
            ).as_dict(),
            'ended': '2026-01-01 00:00',
            'machine': machine,
        }
        for line, kind, wrong, machine in (
            (1, 'raw', [], '2 cores'),
            (1, 'raw', ['1 frame is counted nowhere'], '2 cores'),
            (7, 'film', [], '8 cores'),
        )
    ]
    page = page_with(f'before\n{BEGIN}\nold\n{END}\nafter\n', parts)
    assert page.startswith(f'before\n{BEGIN}\n')
    assert page.endswith(f'{END}\nafter\n')
    assert 'old' not in page
    assert (
        '4,500 frames in 3 parts, 1.5 hours, to 2026-01-01 00:00 UTC; 2 cores and 8 cores.' in page
    )
    assert '| frames published | 3,000 | 1,500 |' in page
    assert '| of them damaged | 1,000 | 500 |' in page
    assert '| answered | 2,000 | 1,000 |' in page
    assert '6 processes killed' in page
    assert '| resident memory [MB] | 200 → 201 → 202 | 200 → 201 → 202 |' in page
    assert '| `camera: ImageFormatError at png.py` | 1,500 |' in page
    assert '- 1 frame is counted nowhere (1 times)' in page
    assert page_with(page, parts) == page
