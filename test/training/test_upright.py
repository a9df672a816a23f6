"""Landmarks go with labelled faces, and make the crops upright that a model is judged by."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('torch')

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.training.data.augmentation import AugmentationConfig
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.batches import cut_jittered
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import join
from rtcnn_perception.training.data.faces import one_hot
from rtcnn_perception.training.data.npz import read_gender
from rtcnn_perception.training.tasks.attributes.model_page import model_page
from rtcnn_perception.training.tasks.attributes.predictor import Judge
from rtcnn_perception.training.tasks.attributes.robustness import at_size
from rtcnn_perception.training.tasks.attributes.robustness import turned
from small_data import pictures
from small_data import write_gender_npz

POINTS = np.float32([[22, 25], [38, 25], [30, 32], [24, 40], [36, 40]])
UPRIGHT = CropGeometry(0.0, upright=True)
ALL = np.arange(2)


def faces(landmarks=None):
    """Return two faces, the upper half of the second bright."""
    picture = np.full((60, 60), 100, np.uint8)
    bright = picture.copy()
    bright[:30] = 220
    labels = np.array([0, 1])
    return FaceSet(
        pictures=[picture, bright],
        boxes=np.tile([15.0, 15.0, 45.0, 45.0], (2, 1)),
        labels={'gender': labels},
        targets={'gender': one_hot(labels, 2)},
        names=['plain', 'half bright'],
        landmarks=landmarks,
    )


def test_without_landmarks_faces_are_cut_as_ever():
    assert faces().place(0).landmarks is None
    plain = cut_faces(faces(), CropGeometry(0.0), (24, 24), ALL)
    np.testing.assert_array_equal(cut_faces(faces(), UPRIGHT, (24, 24), ALL), plain)


def test_a_face_without_landmarks_may_stand_beside_one_that_has_some():
    known = faces(np.stack([np.full((5, 2), np.nan, np.float32), POINTS]))
    assert known.place(0).landmarks is None
    np.testing.assert_array_equal(known.place(1).landmarks, POINTS)
    assert known.take(np.array([1])).landmarks.shape == (1, 5, 2)
    both = join(faces(), known)
    assert [both.place(i).landmarks is None for i in range(4)] == [True, True, True, False]


def test_a_file_may_have_landmarks_and_need_not(tmp_path):
    labels, splits = [0, 1, 1], [0, 1, 2]
    plain = write_gender_npz(tmp_path / 'plain.npz', pictures(3), labels, splits)
    assert read_gender(plain).val.landmarks is None
    points = np.stack([POINTS + i for i in range(3)])
    known = write_gender_npz(tmp_path / 'g.npz', pictures(3), labels, splits, landmarks=points)
    np.testing.assert_array_equal(read_gender(known).val.place(0).landmarks, POINTS + 1)


def test_landmarks_shrink_and_turn_with_the_picture():
    known = faces(np.stack([POINTS, POINTS]))
    np.testing.assert_allclose(at_size(known, 15.0).landmarks[0], POINTS / 2, atol=1e-5)
    roll = UPRIGHT.roll_for(turned(known, -25.0).place(0).landmarks)
    assert roll == pytest.approx(25.0, abs=0.1)
    np.testing.assert_array_equal(known.landmarks[0], POINTS)


def test_a_judge_turns_faces_upright_as_its_geometry_says():
    def answer(crops):
        above = crops[:, :8].mean((1, 2)) - crops[:, -8:].mean((1, 2)) > 110
        return {'gender': np.where(above[:, None], [[0.0, 1.0]], [[1.0, 0.0]]).astype('f')}

    plain = Judge('halves', {'gender': GENDER_LABELS}, (24, 24), CropGeometry(0.0), answer)
    upright = replace(plain, geometry=UPRIGHT)
    leaning = turned(faces(np.stack([POINTS, POINTS])), -60.0)
    assert upright.probabilities(leaning)['gender'].argmax(1).tolist() == [0, 1]
    assert plain.probabilities(leaning)['gender'].argmax(1).tolist() == [0, 0]


def test_crops_to_learn_from_are_left_to_augmentation():
    leaning = turned(faces(np.stack([POINTS, POINTS])), -25.0)
    still = AugmentationConfig(scale=0.0, shift=0.0)
    learnt, plain = (
        cut_jittered(leaning, geometry, (24, 24), ALL, config=still, rng=np.random.default_rng(0))
        for geometry in (UPRIGHT, CropGeometry(0.0))
    )
    np.testing.assert_array_equal(learnt, plain)


@pytest.mark.parametrize(('crop', 'says'), [({}, False), ({'upright': True}, True)])
def test_the_page_of_a_model_says_whether_its_crop_is_upright(crop, says):
    card = {
        'name': 'tiny',
        'heads': [],
        'input': {'size_hw': [8, 8], 'channels': 'gray', 'dtype': 'uint8'},
        'architecture': 'none',
        'parameters': 1,
        'weights': 'float32',
        'multiply_accumulates': 1,
        'crop': {'margin': 0.0, 'shift_down': 0.0, **crop},
        'sha256': '0' * 64,
        'metrics': {},
        'data': [],
        'command': 'none',
    }
    assert ('turned upright by the landmarks' in model_page(card)) == says
