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

"""The loss of a detector, and how its boxes are decoded."""

from __future__ import annotations

import math

from annotated_anchors import anchor_at
from annotated_anchors import ANCHORS
from annotated_anchors import annotations
from annotated_anchors import COUNT
from annotated_anchors import encoded
from annotated_anchors import FACE
from annotated_anchors import perfect_outputs
from annotated_anchors import POINTS
from annotated_anchors import SIZE_HW
from annotated_anchors import SIZES
import numpy as np
import pytest
from rtcnn_perception.core.detection.grid import AnchorGrid
from rtcnn_perception.training.models.detector import AnchorOutputs
from rtcnn_perception.training.models.detector import STRIDES
from rtcnn_perception.training.tasks.detector.loss import decode
from rtcnn_perception.training.tasks.detector.loss import detector_loss
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig
from rtcnn_perception.training.tasks.detector.loss import generalised_overlap
import torch


def loss_of(outputs, faces, **config):
    return float(detector_loss(outputs, faces, SIZE_HW, DetectorLossConfig(**config)))


def gradients(faces, **config):
    """Return perfect outputs moved a little, with their gradients."""
    outputs = AnchorOutputs(
        *((each + 0.1).detach().requires_grad_() for each in perfect_outputs(annotations(FACE)))
    )
    detector_loss(outputs, faces, SIZE_HW, DetectorLossConfig(**config)).backward()
    return outputs


def test_boxes_are_decoded_as_the_pipeline_decodes_them():
    rows = torch.randn(2, COUNT, 4, generator=torch.Generator().manual_seed(0))
    found = decode(rows, ANCHORS, SIZES)
    grid = AnchorGrid.covering(SIZE_HW, STRIDES)
    for picture, each in zip(found, rows, strict=True):
        expected = grid.decode_boxes(np.arange(COUNT), each.numpy())
        np.testing.assert_allclose(picture, expected, rtol=1e-5, atol=1e-4)


def test_a_huge_prediction_stays_a_number():
    wild = torch.full((1, COUNT, 4), 500.0)
    assert decode(wild, ANCHORS, SIZES).isfinite().all()


def test_a_face_that_is_encoded_by_hand_is_decoded():
    x = torch.tensor([3.0 / 8, -2.0 / 8, math.log(24 / 8), math.log(32 / 8)])
    anchor = anchor_at(28.0, 28.0, 8)
    (box,) = decode(x.expand(1, COUNT, 4), ANCHORS, SIZES)[:, anchor]
    assert box.tolist() == pytest.approx([19.0, 10.0, 43.0, 42.0])
    rows, places = encoded(FACE)
    for found in decode(rows[None], ANCHORS, SIZES)[0]:
        assert found.tolist() == pytest.approx(FACE, abs=1e-4)
    points = AnchorGrid.covering(SIZE_HW, STRIDES).decode_landmarks(
        np.arange(COUNT), places.numpy()
    )
    np.testing.assert_allclose(points, np.broadcast_to(POINTS, points.shape), atol=1e-4)


@pytest.mark.parametrize(
    ('first', 'second', 'expected'),
    [
        ((0, 0, 4, 4), (0, 0, 4, 4), 1.0),
        ((0, 0, 4, 4), (0, 0, 4, 2), 0.5),
        ((0, 0, 4, 4), (4, 0, 8, 4), 0.0),  # side by side fill their hull
        ((0, 0, 1, 1), (1, 1, 2, 2), -0.5),
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7 - 2 / 9),
        ((0, 0, 1, 1), (9, 0, 10, 1), -0.8),
    ],
)
def test_generalised_overlap_is_known(first, second, expected):
    rows = [torch.tensor([box], dtype=torch.float32) for box in (first, second)]
    assert float(generalised_overlap(*rows)) == pytest.approx(expected)
    assert float(generalised_overlap(*rows[::-1])) == pytest.approx(expected)


def test_without_faces_and_predictions_there_is_no_loss():
    faces = annotations()
    silent = perfect_outputs(faces)
    assert loss_of(silent, faces) == pytest.approx(0.0, abs=1e-6)
    assert loss_of(silent._replace(score=-silent.score), faces) > 100


@pytest.mark.parametrize('focus', [0.0, 1.0, 2.0])
def test_an_anchor_counts_by_a_power_of_its_error(focus):
    faces = annotations()
    undecided = perfect_outputs(faces)._replace(score=torch.zeros(1, COUNT))
    expected = COUNT * math.log(2) * 0.5**focus
    assert loss_of(undecided, faces, focus=focus) == pytest.approx(expected, rel=1e-5)


def test_perfect_outputs_have_almost_no_loss_and_any_error_more():
    faces = annotations(FACE, landmarks=[POINTS])
    perfect = perfect_outputs(faces)
    least = loss_of(perfect, faces)
    assert 0 <= least < 1e-3
    moved = [perfect_outputs(faces, box=[FACE[0] + by, *FACE[1:]]) for by in (2, 6)]
    lost = [perfect._replace(landmarks=perfect.landmarks + by) for by in (0.05, 0.3)]
    uncertain = [perfect._replace(score=perfect.score / by) for by in (8, 40)]
    for slight, large in (moved, lost, uncertain):
        assert least + 1e-3 < loss_of(slight, faces) < loss_of(large, faces)


def test_a_false_face_counts_except_where_it_is_ignored():
    faces, anchor = annotations(FACE, landmarks=[POINTS]), anchor_at(76.0, 12.0, 8)
    outputs = perfect_outputs(faces)
    least = loss_of(outputs, faces)
    outputs.score[0, anchor] = 5.0
    assert loss_of(outputs, faces) > least + 0.1
    ignored = faces._replace(ignored=torch.tensor([[[72.0, 8.0, 80.0, 16.0]]]))
    assert loss_of(outputs, ignored) == pytest.approx(least, abs=1e-6)


def test_unknown_landmarks_have_no_gradient():
    known, unknown = gradients(annotations(FACE, landmarks=[POINTS])), gradients(annotations(FACE))
    assert known.landmarks.grad.abs().sum() > 0
    assert unknown.landmarks.grad.abs().sum() == 0
    assert unknown.box.grad.isfinite().all()
    torch.testing.assert_close(unknown.box.grad, known.box.grad)


def test_a_face_with_some_unknown_landmarks_has_no_gradient_of_any():
    some = [*POINTS[:4], [float('nan')] * 2]
    assert gradients(annotations(FACE, landmarks=[some])).landmarks.grad.abs().sum() == 0


def test_a_picture_without_faces_has_gradients_of_scores_alone():
    outputs = gradients(annotations())
    assert outputs.score.grad.abs().sum() > 0
    assert outputs.box.grad is None
    assert outputs.landmarks.grad is None


@pytest.mark.parametrize('part', ['box', 'landmarks'])
def test_each_part_counts_as_configured(part):
    faces = annotations(FACE, landmarks=[POINTS])
    once, thrice = (gradients(faces, **{part: share}) for share in (1.0, 3.0))
    torch.testing.assert_close(getattr(thrice, part).grad, 3 * getattr(once, part).grad)
    torch.testing.assert_close(thrice.score.grad, once.score.grad)


def test_the_target_of_an_uncertain_face_is_a_lower_score():
    certain, uncertain = annotations(FACE), annotations(FACE, weights=[0.6])
    outputs = perfect_outputs(certain)
    is_face = outputs.score > 0

    def scored(score):
        logit = math.log(score / (1 - score))
        return outputs._replace(score=torch.where(is_face, logit, outputs.score))

    assert loss_of(scored(0.6), uncertain) < loss_of(scored(0.99), uncertain)
    assert loss_of(scored(0.99), certain) < loss_of(scored(0.6), certain)
