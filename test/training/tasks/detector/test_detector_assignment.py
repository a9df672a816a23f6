"""Which cells learn a face, and what a detector is punished for, by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from rtcnn_perception.core.detection.grid import FaceCells
from rtcnn_perception.training.models.detector import CellOutputs
from rtcnn_perception.training.models.detector import STRIDES
from rtcnn_perception.training.tasks.detector.assignment import assign
from rtcnn_perception.training.tasks.detector.assignment import Faces
from rtcnn_perception.training.tasks.detector.assignment import MOST_CELLS
from rtcnn_perception.training.tasks.detector.assignment import overlaps
from rtcnn_perception.training.tasks.detector.assignment import REACH
from rtcnn_perception.training.tasks.detector.loss import cells_of
from rtcnn_perception.training.tasks.detector.loss import decode
from rtcnn_perception.training.tasks.detector.loss import detector_loss
from rtcnn_perception.training.tasks.detector.loss import DetectorLossConfig
from rtcnn_perception.training.tasks.detector.loss import generalised_overlap

SIZE_HW = (64, 96)
CENTERS, SIDES = cells_of(SIZE_HW)
COUNT = len(CENTERS)
FACE = (20.0, 12.0, 44.0, 44.0)
POINTS = [[26.0, 24.0], [38.0, 24.0], [32.0, 30.0], [27.0, 38.0], [37.0, 38.0]]
LARGER = torch.tensor([0.0, 0.0, 1.0, 1.0])
"""What a fresh network says: boxes of 2.7 strides about each cell."""


def marked(*boxes, weights=None, ignored=(), landmarks=None, padding=0):
    """Return the marks of one picture, with rows of no face behind."""
    count = len(boxes)
    rows = max(1, count + padding)
    faces = Faces(
        torch.zeros(1, rows, 4),
        torch.zeros(1, rows),
        torch.full((1, rows, 5, 2), float('nan')),
        torch.tensor(ignored or [[0.0] * 4]).reshape(1, -1, 4),
    )
    if count:
        faces.boxes[0, :count] = torch.tensor(boxes)
        faces.weights[0, :count] = torch.tensor(weights or [1.0] * count)
    if landmarks is not None:
        faces.landmarks[0, :count] = torch.tensor(landmarks)
    return faces


def given(faces, scores=0.1, rows=LARGER):
    """Return what is assigned where each cell says ``rows``, in strides."""
    boxes = decode(torch.as_tensor(rows).expand(1, COUNT, 4), CENTERS, SIDES)
    return assign(torch.full((1, COUNT), scores), boxes, CENTERS, SIDES, faces)


def cell_at(x, y, stride):
    """Return the index of the cell of a level that a point lies in."""
    lies_in = ((CENTERS - torch.tensor([x, y])).abs() <= stride / 2).all(1)
    return int((lies_in & (SIDES[:, 0] == stride)).nonzero()[0])


def encoded(box, points=POINTS):
    """Return the rows (N, 4) and (N, 10) with which every cell says one face."""
    x0, y0, x1, y1 = box
    middle = torch.tensor([(x0 + x1) / 2, (y0 + y1) / 2])
    logs = torch.log(torch.tensor([x1 - x0, y1 - y0]) / SIDES)
    places = (torch.tensor(points) - CENTERS[:, None]) / SIDES[:, None]
    return torch.cat([(middle - CENTERS) / SIDES, logs], dim=1), places.flatten(1)


def answer(faces, box=FACE, points=POINTS):
    """Return outputs that are sure in the cells that learn a face, and only there."""
    rows, places = encoded(box, points)
    found = given(faces, rows=rows[None])
    logits = torch.where(found.face >= 0, 20.0, -20.0)
    return CellOutputs(logits, rows[None].clone(), places[None].clone())


def loss_of(outputs, faces, **config):
    return float(detector_loss(outputs, faces, SIZE_HW, DetectorLossConfig(**config)))


@pytest.mark.parametrize('padding', [0, 3])
def test_without_a_face_no_cell_learns_one(padding):
    found = given(marked(padding=padding))
    assert found.face.tolist() == [[-1] * COUNT]
    assert not found.overlap.any()
    assert not found.is_ignored.any()


def test_a_face_is_learnt_by_cells_near_its_middle():
    found = given(marked(FACE))
    cells = (found.face[0] == 0).nonzero()[:, 0]
    assert 1 <= len(cells) <= MOST_CELLS
    apart = (CENTERS[cells] - torch.tensor([32.0, 28.0])).abs()
    assert (apart <= REACH * SIDES[cells]).all()
    assert (found.face[0] == -1).sum() == COUNT - len(cells)


def test_a_face_that_no_cell_sees_well_has_one_all_the_same():
    found = given(marked(FACE), rows=torch.tensor([0.0, 0.0, -3.0, -3.0]))
    assert (found.face[0] == 0).sum() == 1
    assert 0 < found.overlap.max() < 0.1


def test_a_face_that_all_cells_see_has_as_many_as_there_may_be():
    rows, _ = encoded(FACE)
    found = given(marked(FACE), rows=rows[None])
    assert (found.face[0] == 0).sum() == MOST_CELLS
    np.testing.assert_allclose(found.overlap[found.face == 0], 1.0, atol=1e-5)


def test_the_overlap_is_that_of_the_cells_own_box():
    found = given(marked(FACE))
    boxes = decode(LARGER.expand(1, COUNT, 4), CENTERS, SIDES)
    for cell in (found.face[0] >= 0).nonzero()[:, 0].tolist():
        expected = float(overlaps(boxes[0, cell], torch.tensor(FACE)))
        assert float(found.overlap[0, cell]) == pytest.approx(expected)


def test_of_cells_that_say_the_same_the_surest_learns():
    scores = torch.full((1, COUNT), 0.1)
    scores[0, cell_at(35, 35, 8)] = 0.9
    boxes = decode(torch.tensor([0.0, 0.0, -1.0, -1.0]).expand(1, COUNT, 4), CENTERS, SIDES)
    same_size = torch.where(SIDES == 8, boxes, 0.0)  # the others say nothing
    found = assign(scores, same_size, CENTERS, SIDES, marked((24.0, 24.0, 40.0, 40.0)))
    assert (found.face[0] == 0).nonzero().tolist() == [[cell_at(35, 35, 8)]]


@pytest.mark.parametrize('side', [0.5, 3.0, 6.0])
def test_a_face_smaller_than_a_cell_is_learnt_by_the_cell_it_lies_in(side):
    x, y = 52.0, 20.0  # the middle of a cell of stride 8
    face = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    rows = torch.tensor([0.0, 0.0, math.log(side / 8), math.log(side / 8)])
    found = given(marked(face), rows=rows)
    assert int(found.face[0, cell_at(x, y, 8)]) == 0
    assert float(found.overlap[0, cell_at(x, y, 8)]) == pytest.approx(1.0, abs=1e-5)


def test_a_cell_that_two_faces_want_learns_the_one_it_says_better():
    other = (22.0, 14.0, 46.0, 46.0)
    rows, _ = encoded(other)
    found = given(marked(FACE, other), rows=rows[None])
    first, second = (given(marked(face), rows=rows[None]) for face in (FACE, other))
    wanted_by_both = (first.face[0] == 0) & (second.face[0] == 0)
    assert wanted_by_both.sum() > 3
    assert (found.face[0, wanted_by_both] == 1).all()


def test_faces_apart_are_learnt_apart():
    left, right = (8.0, 20.0, 24.0, 40.0), (68.0, 20.0, 84.0, 40.0)
    found = given(marked(left, right, padding=2))
    for index, x in enumerate((16.0, 76.0)):
        cells = found.face[0] == index
        assert cells.any()
        assert ((CENTERS[cells, 0] - x).abs() < 30).all()
    alone = given(marked(right))
    assert torch.equal(alone.face[0] == 0, found.face[0] == 1)


def test_pictures_of_a_batch_do_not_mix():
    both = Faces(*(torch.cat(parts) for parts in zip(marked(FACE), marked(), strict=True)))
    boxes = decode(LARGER.expand(2, COUNT, 4), CENTERS, SIDES)
    found = assign(torch.full((2, COUNT), 0.1), boxes, CENTERS, SIDES, both)
    assert torch.equal(found.face[:1], given(marked(FACE)).face)
    assert (found.face[1] == -1).all()


def test_cells_in_ignored_regions_are_let_off_but_for_those_that_learn_a_face():
    region = (16.0, 8.0, 80.0, 56.0)
    found = given(marked(FACE, ignored=[region, (0.0, 0.0, 0.0, 0.0)]))
    x, y = CENTERS.T
    is_inside = (x >= 16) & (x <= 80) & (y >= 8) & (y <= 56)
    assert torch.equal(found.is_ignored[0], is_inside & (found.face[0] < 0))
    assert (is_inside & (found.face[0] >= 0)).any()


def test_overlaps_are_known():
    boxes = torch.tensor([[0.0, 0, 4, 4], [0, 0, 4, 2], [2, 2, 6, 6], [4, 4, 8, 8], [1, 1, 1, 1]])
    found = overlaps(boxes[:1], boxes)
    assert found.tolist() == pytest.approx([1.0, 0.5, 4 / 28, 0.0, 0.0])


def test_boxes_are_decoded_as_the_pipeline_decodes_them():
    rows = torch.randn(2, COUNT, 4, generator=torch.Generator().manual_seed(0))
    found = decode(rows, CENTERS, SIDES)
    cells = AnchorGrid.covering(SIZE_HW, STRIDES)
    for picture, each in zip(found, rows, strict=True):
        expected = cells.boxes(np.arange(COUNT), each.numpy())
        np.testing.assert_allclose(picture, expected, rtol=1e-5, atol=1e-4)


def test_a_wild_guess_stays_a_number():
    wild = torch.full((1, COUNT, 4), 500.0)
    assert decode(wild, CENTERS, SIDES).isfinite().all()


def test_a_face_that_is_encoded_by_hand_comes_back():
    x = torch.tensor([3.0 / 8, -2.0 / 8, math.log(24 / 8), math.log(32 / 8)])
    cell = cell_at(28.0, 28.0, 8)
    (box,) = decode(x.expand(1, COUNT, 4), CENTERS, SIDES)[:, cell]
    assert box.tolist() == pytest.approx([19.0, 10.0, 43.0, 42.0])
    rows, places = encoded(FACE)
    for found in decode(rows[None], CENTERS, SIDES)[0]:
        assert found.tolist() == pytest.approx(FACE, abs=1e-4)
    points = AnchorGrid.covering(SIZE_HW, STRIDES).points(np.arange(COUNT), places.numpy())
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


def test_nothing_to_find_and_nothing_said_is_no_loss():
    faces = marked()
    quiet = answer(faces)
    assert loss_of(quiet, faces) == pytest.approx(0.0, abs=1e-6)
    assert loss_of(quiet._replace(score=-quiet.score), faces) > 100


@pytest.mark.parametrize('focus', [0.0, 1.0, 2.0])
def test_a_cell_counts_by_a_power_of_its_error(focus):
    faces = marked()
    undecided = answer(faces)._replace(score=torch.zeros(1, COUNT))
    expected = COUNT * math.log(2) * 0.5**focus
    assert loss_of(undecided, faces, focus=focus) == pytest.approx(expected, rel=1e-5)


def test_a_perfect_answer_costs_next_to_nothing_and_any_fault_more():
    faces = marked(FACE, landmarks=[POINTS])
    perfect = answer(faces)
    least = loss_of(perfect, faces)
    assert 0 <= least < 1e-3
    moved = [answer(faces, box=[FACE[0] + by, *FACE[1:]]) for by in (2, 6)]
    lost = [perfect._replace(landmarks=perfect.landmarks + by) for by in (0.05, 0.3)]
    unsure = [perfect._replace(score=perfect.score / by) for by in (8, 40)]
    for slightly, badly in (moved, lost, unsure):
        assert least + 1e-3 < loss_of(slightly, faces) < loss_of(badly, faces)


def test_a_false_face_costs_but_not_where_it_is_ignored():
    faces, cell = marked(FACE, landmarks=[POINTS]), cell_at(76.0, 12.0, 8)
    outputs = answer(faces)
    least = loss_of(outputs, faces)
    outputs.score[0, cell] = 5.0
    assert loss_of(outputs, faces) > least + 0.1
    let_off = faces._replace(ignored=torch.tensor([[[72.0, 8.0, 80.0, 16.0]]]))
    assert loss_of(outputs, let_off) == pytest.approx(least, abs=1e-6)


def test_an_unsure_face_asks_for_a_lower_score():
    sure, unsure = marked(FACE), marked(FACE, weights=[0.6])
    outputs = answer(sure)
    is_face = outputs.score > 0

    def saying(score):
        said = math.log(score / (1 - score))
        return outputs._replace(score=torch.where(is_face, said, outputs.score))

    assert loss_of(saying(0.6), unsure) < loss_of(saying(0.99), unsure)
    assert loss_of(saying(0.99), sure) < loss_of(saying(0.6), sure)


def gradients(faces, **config):
    """Return how each output of a perfect answer that was moved a little is pulled."""
    outputs = CellOutputs(
        *((each + 0.1).detach().requires_grad_() for each in answer(marked(FACE)))
    )
    detector_loss(outputs, faces, SIZE_HW, DetectorLossConfig(**config)).backward()
    return outputs


def test_unknown_landmarks_teach_nothing():
    known, unknown = gradients(marked(FACE, landmarks=[POINTS])), gradients(marked(FACE))
    assert known.landmarks.grad.abs().sum() > 0
    assert unknown.landmarks.grad.abs().sum() == 0
    assert unknown.box.grad.isfinite().all()
    torch.testing.assert_close(unknown.box.grad, known.box.grad)


def test_a_face_with_some_landmarks_unknown_teaches_none_of_them():
    some = [*POINTS[:4], [float('nan')] * 2]
    assert gradients(marked(FACE, landmarks=[some])).landmarks.grad.abs().sum() == 0


def test_a_picture_without_faces_teaches_scores_alone():
    outputs = gradients(marked())
    assert outputs.score.grad.abs().sum() > 0
    assert outputs.box.grad is None
    assert outputs.landmarks.grad is None


@pytest.mark.parametrize('part', ['box', 'landmarks'])
def test_each_part_counts_as_much_as_the_configuration_says(part):
    faces = marked(FACE, landmarks=[POINTS])
    once, thrice = (gradients(faces, **{part: share}) for share in (1.0, 3.0))
    torch.testing.assert_close(getattr(thrice, part).grad, 3 * getattr(once, part).grad)
    torch.testing.assert_close(thrice.score.grad, once.score.grad)
