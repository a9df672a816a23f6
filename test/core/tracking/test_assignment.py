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

"""Detections are assigned to tracks together, by how likely they are."""

from __future__ import annotations

from itertools import permutations
import math

import numpy as np
import pytest
from rtcnn_perception.core.tracking.assignment import assign
from rtcnn_perception.core.tracking.assignment import assignment_cost
from rtcnn_perception.core.tracking.assignment import FORBIDDEN
from rtcnn_perception.core.tracking.assignment import GATE_SIGMAS
from rtcnn_perception.core.tracking.assignment import GATE_SIZES


def expected(*rows):
    """Rows of centre x, y, side in pixels, standard deviation of centre (pixels) and log size."""
    return np.array(
        [(x, y, math.log(s), math.log(s), sc * sc, ss * ss) for x, y, s, sc, ss in rows]
    ).reshape(-1, 6)


def boxes(*rows):
    """Rows of centre x, y and side in pixels."""
    return np.array([(x - s / 2, y - s / 2, x + s / 2, y + s / 2) for x, y, s in rows]).reshape(
        -1, 4
    )


NONE = np.empty((0, 6)), np.empty((0, 4))


@pytest.mark.parametrize(
    ('tracks', 'detections'),
    [
        NONE,
        (expected((0, 0, 10, 1, 0.1)), NONE[1]),
        (NONE[0], boxes((0, 0, 10))),
    ],
)
def test_without_tracks_or_detections_nothing_is_assigned(tracks, detections):
    assert assign(tracks, detections) == []


def test_the_cost_is_the_likelihood_of_the_filter():
    tracks = expected((100, 100, 50, 4, 0.1))
    detections = boxes((103, 104, 55))
    size = math.log(55 / 50) ** 2
    by_hand = 25 / 16 / 2 + 2 * size / 0.01 / 2 + math.log(16) + math.log(0.01)
    assert assignment_cost(tracks, detections) == pytest.approx(np.array([[by_hand]]))


@pytest.mark.parametrize(
    ('detection', 'is_allowed'),
    [
        ((100, 100, 50), True),
        ((100 + 0.99 * GATE_SIGMAS * 20, 100, 50), True),
        ((100 + 1.01 * GATE_SIGMAS * 20, 100, 50), False),
        ((100, 100, 50 * 1.3), True),
        ((180, 100, 50 * 1.3), False),
    ],
)
def test_a_detection_outside_the_gate_is_another_face(detection, is_allowed):
    cost = assignment_cost(expected((100, 100, 50, 20, 0.05)), boxes(detection))
    assert (cost[0, 0] < FORBIDDEN) == is_allowed


def test_the_gate_is_at_most_some_sizes_of_the_face():
    lost = expected((100, 100, 50, 500, 1.0))
    near, far = (100 + share * GATE_SIZES * 50 for share in (0.99, 1.01))
    cost = assignment_cost(lost, boxes((near, 100, 50), (far, 100, 50)))
    assert (cost < FORBIDDEN).tolist() == [[True, False]]


def test_a_detection_that_overlaps_is_the_same_face_even_if_the_filter_finds_it_unlikely():
    sure = expected((100, 100, 50, 0.5, 0.01))
    assert assign(sure, boxes((115, 100, 50))) == [(0, 0)]


def test_a_recently_detected_track_wins_over_one_whose_place_is_uncertain():
    sure, lost = (100, 100, 50, 2, 0.05), (101, 100, 50, 60, 0.3)
    # The lost one is expected right there, and yet it is less likely.
    assert assign(expected(lost, sure), boxes((101, 100, 50))) == [(1, 0)]


def test_faces_side_by_side_are_assigned_together():
    # The first detection suits both tracks, the second only the first one.
    tracks = expected((100, 100, 50, 10, 0.1), (120, 100, 50, 10, 0.1))
    detections = boxes((112, 100, 50), (90, 100, 50))
    assert sorted(assign(tracks, detections)) == [(0, 1), (1, 0)]


def test_the_assignment_is_the_best_of_all_there_are():
    rng = np.random.default_rng(0)
    for _ in range(30):
        count = int(rng.integers(1, 6))
        tracks = expected(*((*rng.uniform(0, 60, 2), 50, 30, 0.2) for _ in range(count)))
        detections = boxes(*((*rng.uniform(0, 60, 2), 50) for _ in range(count)))
        cost = assignment_cost(tracks, detections)
        best = min(sum(cost[i, j] for i, j in enumerate(p)) for p in permutations(range(count)))
        pairs = assign(tracks, detections)
        assert len(pairs) == count
        assert sum(cost[pair] for pair in pairs) == pytest.approx(best)
