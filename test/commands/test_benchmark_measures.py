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

import math

import pytest
from rtcnn_perception.commands.benchmark.measures import drift
from rtcnn_perception.commands.benchmark.measures import percentiles_ms
from rtcnn_perception.commands.benchmark.measures import Received
from rtcnn_perception.commands.benchmark.measures import summarise_clip

NEW, TRACKED, COASTED = 0, 1, 2


def clip(*faces_by_frame, step=0.1):
    """Make messages; each argument is the faces of one: pairs of id and state."""
    return [
        Received(
            stamp=step * i,
            received_at=step * i + 0.01,
            faces=faces,
            detect_s=0.005,
            classify_s=0.001,
            frames_dropped=0,
        )
        for i, faces in enumerate(faces_by_frame)
    ]


def test_a_clip_without_messages_has_shares_of_0():
    result = summarise_clip([], frames=10)
    assert (result.messages, result.with_face, result.detected) == (0, 0.0, 0.0)
    assert result.id_changes == 0
    assert result.detected_of_all == 0.0


def test_faces_and_messages_are_counted_separately():
    messages = clip(((1, NEW),), ((1, TRACKED),), ((1, COASTED),), ())
    result = summarise_clip(messages, frames=5)
    assert result.frames == 5
    assert result.messages == 4
    assert result.with_face == pytest.approx(0.75)
    assert result.detected == pytest.approx(0.5)
    assert result.id_changes == 0


def test_the_largest_face_is_the_person():
    messages = clip(((1, NEW),), ((1, TRACKED), (2, NEW)), ((1, TRACKED), (2, TRACKED)))
    assert summarise_clip(messages, frames=3).id_changes == 0


def test_the_person_stays_the_person_beside_a_larger_false_detection():
    messages = clip(((1, NEW),), ((2, NEW), (1, TRACKED)), ((2, TRACKED), (1, TRACKED)))
    assert summarise_clip(messages, frames=3).id_changes == 0


@pytest.mark.parametrize(('lost_frames', 'early'), [(0, 1), (9, 1), (11, 0)])
def test_an_id_may_change_after_a_second_without_a_detection(lost_frames, early):
    messages = clip(((1, NEW),), ((1, TRACKED),), *[()] * lost_frames, ((2, NEW),))
    result = summarise_clip(messages, frames=len(messages))
    assert result.id_changes == 1
    assert result.early_changes == early


def test_a_coasted_face_is_not_detected():
    messages = clip(((1, NEW),), *[((1, COASTED),)] * 12, ((2, NEW),))
    assert summarise_clip(messages, frames=14).early_changes == 0


def test_percentiles_of_no_values_are_nan():
    result = percentiles_ms([])
    assert result.count == 0
    assert math.isnan(result.p50)


def test_percentiles_are_in_milliseconds_and_leave_out_nan():
    result = percentiles_ms([i / 1000 for i in range(101)] + [float('nan')])
    assert (result.count, result.p50, result.p95, result.p99, result.maximum) == pytest.approx(
        (101, 50.0, 95.0, 99.0, 100.0)
    )


def test_memory_that_grows_has_a_trend():
    found = drift([0, 5000, 10000], [200.0, 201.0, 202.0])
    assert found.per_10000_frames_mb == pytest.approx(2.0)
    assert (found.start_mb, found.end_mb, found.highest_mb) == (200.0, 202.0, 202.0)


def test_a_trend_needs_three_samples():
    with pytest.raises(ValueError, match='3 samples'):
        drift([0, 1], [200.0, 200.0])


def test_a_frame_without_a_message_counts_as_not_detected_among_all_frames():
    result = summarise_clip(clip(((1, NEW),), ((1, TRACKED),), ((1, COASTED),), ()), frames=8)
    assert result.detected == pytest.approx(0.5)
    assert result.detected_of_all == pytest.approx(0.25)
