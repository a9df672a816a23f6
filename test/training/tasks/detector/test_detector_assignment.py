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

"""Which anchors are assigned to a face."""

from __future__ import annotations

import math

from annotated_anchors import anchor_at
from annotated_anchors import ANCHORS
from annotated_anchors import annotations
from annotated_anchors import assigned
from annotated_anchors import COUNT
from annotated_anchors import encoded
from annotated_anchors import FACE
from annotated_anchors import LARGER
from annotated_anchors import SIZES
import numpy as np
import pytest
from rtcnn_perception.training.tasks.detector.assignment import Annotations
from rtcnn_perception.training.tasks.detector.assignment import assign
from rtcnn_perception.training.tasks.detector.assignment import MOST_ANCHORS
from rtcnn_perception.training.tasks.detector.assignment import overlaps
from rtcnn_perception.training.tasks.detector.assignment import REACH
from rtcnn_perception.training.tasks.detector.loss import decode
import torch


@pytest.mark.parametrize('padding', [0, 3])
def test_without_a_face_no_anchor_is_assigned(padding):
    found = assigned(annotations(padding=padding))
    assert found.face.tolist() == [[-1] * COUNT]
    assert not found.overlap.any()
    assert not found.is_ignored.any()


def test_anchors_near_its_centre_are_assigned_to_a_face():
    found = assigned(annotations(FACE))
    anchors = (found.face[0] == 0).nonzero()[:, 0]
    assert 1 <= len(anchors) <= MOST_ANCHORS
    apart = (ANCHORS[anchors] - torch.tensor([32.0, 28.0])).abs()
    assert (apart <= REACH * SIZES[anchors]).all()
    assert (found.face[0] == -1).sum() == COUNT - len(anchors)


def test_a_face_that_no_anchor_predicts_well_has_one():
    found = assigned(annotations(FACE), rows=torch.tensor([0.0, 0.0, -3.0, -3.0]))
    assert (found.face[0] == 0).sum() == 1
    assert 0 < found.overlap.max() < 0.1


def test_a_face_that_all_anchors_predict_well_has_the_most():
    rows, _ = encoded(FACE)
    found = assigned(annotations(FACE), rows=rows[None])
    assert (found.face[0] == 0).sum() == MOST_ANCHORS
    np.testing.assert_allclose(found.overlap[found.face == 0], 1.0, atol=1e-5)


def test_the_overlap_is_that_of_the_predicted_box():
    found = assigned(annotations(FACE))
    boxes = decode(LARGER.expand(1, COUNT, 4), ANCHORS, SIZES)
    for anchor in (found.face[0] >= 0).nonzero()[:, 0].tolist():
        expected = float(overlaps(boxes[0, anchor], torch.tensor(FACE)))
        assert float(found.overlap[0, anchor]) == pytest.approx(expected)


def test_of_anchors_with_the_same_box_the_one_of_highest_score_is_assigned():
    scores = torch.full((1, COUNT), 0.1)
    scores[0, anchor_at(35, 35, 8)] = 0.9
    boxes = decode(torch.tensor([0.0, 0.0, -1.0, -1.0]).expand(1, COUNT, 4), ANCHORS, SIZES)
    same_size = torch.where(SIZES == 8, boxes, 0.0)  # the others have no box
    found = assign(scores, same_size, ANCHORS, SIZES, annotations((24.0, 24.0, 40.0, 40.0)))
    assert (found.face[0] == 0).nonzero().tolist() == [[anchor_at(35, 35, 8)]]


@pytest.mark.parametrize('side', [0.5, 3.0, 6.0])
def test_a_face_smaller_than_a_stride_has_the_nearest_anchor(side):
    x, y = 52.0, 20.0  # an anchor of stride 8
    face = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    rows = torch.tensor([0.0, 0.0, math.log(side / 8), math.log(side / 8)])
    found = assigned(annotations(face), rows=rows)
    assert int(found.face[0, anchor_at(x, y, 8)]) == 0
    assert float(found.overlap[0, anchor_at(x, y, 8)]) == pytest.approx(1.0, abs=1e-5)


def test_an_anchor_near_two_faces_is_assigned_to_the_one_it_predicts_better():
    other = (22.0, 14.0, 46.0, 46.0)
    rows, _ = encoded(other)
    found = assigned(annotations(FACE, other), rows=rows[None])
    first, second = (assigned(annotations(face), rows=rows[None]) for face in (FACE, other))
    fits_both = (first.face[0] == 0) & (second.face[0] == 0)
    assert fits_both.sum() > 3
    assert (found.face[0, fits_both] == 1).all()


def test_distant_faces_have_anchors_of_their_own():
    left, right = (8.0, 20.0, 24.0, 40.0), (68.0, 20.0, 84.0, 40.0)
    found = assigned(annotations(left, right, padding=2))
    for index, x in enumerate((16.0, 76.0)):
        anchors = found.face[0] == index
        assert anchors.any()
        assert ((ANCHORS[anchors, 0] - x).abs() < 30).all()
    alone = assigned(annotations(right))
    assert torch.equal(alone.face[0] == 0, found.face[0] == 1)


def test_pictures_of_a_batch_are_assigned_by_themselves():
    both = Annotations(
        *(torch.cat(parts) for parts in zip(annotations(FACE), annotations(), strict=True))
    )
    boxes = decode(LARGER.expand(2, COUNT, 4), ANCHORS, SIZES)
    found = assign(torch.full((2, COUNT), 0.1), boxes, ANCHORS, SIZES, both)
    assert torch.equal(found.face[:1], assigned(annotations(FACE)).face)
    assert (found.face[1] == -1).all()


def test_anchors_in_ignored_regions_are_ignored_unless_they_have_a_face():
    region = (16.0, 8.0, 80.0, 56.0)
    found = assigned(annotations(FACE, ignored=[region, (0.0, 0.0, 0.0, 0.0)]))
    x, y = ANCHORS.T
    is_inside = (x >= 16) & (x <= 80) & (y >= 8) & (y <= 56)
    assert torch.equal(found.is_ignored[0], is_inside & (found.face[0] < 0))
    assert (is_inside & (found.face[0] >= 0)).any()


def test_overlaps_are_known():
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 2], [2, 2, 6, 6], [4, 4, 8, 8], [1, 1, 1, 1]])
    found = overlaps(boxes[:1], boxes)
    assert found.tolist() == pytest.approx([1.0, 0.5, 4 / 28, 0.0, 0.0])
