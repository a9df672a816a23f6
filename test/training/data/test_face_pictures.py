from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from drawn_faces import photograph
from rtcnn_perception.training.data.face_pictures import face_pictures
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.tasks.detector.scenes.compose import SceneMaker
from rtcnn_perception.training.tasks.detector.scenes.config import SceneConfig
from rtcnn_perception.training.tasks.detector.scenes.pixels import toned

POINTS = np.float32([[40, 40], [70, 40], [55, 60], [45, 80], [65, 80]])


def face_set(count=2, landmarks=True):
    pictures = [np.full((112, 112), 100 + index, np.uint8) for index in range(count)]
    return FaceSet(
        pictures=pictures,
        boxes=np.tile([[30.0, 20.0, 80.0, 95.0]], (count, 1)),
        labels={},
        targets={},
        names=[f'face {index}' for index in range(count)],
        landmarks=np.tile(POINTS, (count, 1, 1)) if landmarks else None,
    )


def test_no_faces_are_no_pictures():
    assert face_pictures(face_set(0)) == []


def test_a_face_becomes_a_photograph_with_its_marks():
    first, second = face_pictures(face_set())
    assert (second.width, second.height, second.path.name) == (112, 112, 'face 1')
    assert first.boxes.tolist() == [[30, 20, 80, 95]]
    assert first.landmarks.tolist() == [POINTS.tolist()]
    image = second.read()
    assert image.shape == (112, 112, 3)
    assert (image == 101).all()
    assert not first.is_negative


def test_landmarks_that_nobody_knows_stay_unknown():
    (picture,) = face_pictures(face_set(1, landmarks=False))
    assert picture.landmarks.shape == (1, 5, 2)
    assert np.isnan(picture.landmarks).all()


@pytest.mark.parametrize(('share', 'expected'), [(0.0, 0), (1.0, 20)])
def test_a_share_of_scenes_shows_such_faces(monkeypatch, share, expected):
    other = photograph(size=(64, 64), boxes=[(10, 10, 40, 40)])
    monkeypatch.setattr(type(other), 'read', lambda _: np.zeros((64, 64, 3), np.uint8))
    config = SceneConfig(sizes=(96,), faces_share=share, mosaic_share=0.0)
    maker = SceneMaker([other], config, face_pictures(face_set()))
    rng = np.random.default_rng(0)
    scenes = [maker.scene(96, rng) for _ in range(20)]
    assert sum(bool(np.isfinite(scene.landmarks).any()) for scene in scenes) == expected


def test_half_of_the_gray_pictures_get_a_tone_of_skin():
    rng = np.random.default_rng(0)
    gray = np.full((4, 4, 3), 200, np.uint8)
    tones = [toned(gray, rng)[0, 0].tolist() for _ in range(200)]
    plain = [tone for tone in tones if tone == [200, 200, 200]]
    assert 70 < len(plain) < 130
    others = [tone for tone in tones if tone not in plain]
    assert all(100 <= blue <= green + 40 and green <= red == 200 for blue, green, red in others)
