"""What the networks look at in the faces of an image."""

from dataclasses import replace
import math

import numpy as np
import pytest

pytest.importorskip('onnx', reason='onnx is needed to make a model')

from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.saliency.explanation import explain_faces
from rtcnn_perception.core.saliency.explanation import mosaic_row
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from tiny_model import write_tiny_model

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
PLACES = (
    FacePlace(BoundingBox(10, 10, 30, 34)),
    FacePlace(BoundingBox(-5, 20, 25, 70)),
)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Return a model for each attribute."""
    made = {}
    for name, labels in (('emotion', EMOTION_LABELS), ('gender', GENDER_LABELS)):
        folder = write_tiny_model(tmp_path_factory.mktemp(name), {name: labels})
        write_saliency_graph(folder)
        made[name] = SaliencyModel.load(folder)
    return made


def test_nobody_gives_nothing(models):
    assert explain_faces(models, IMAGE, ()) == ()


def test_no_attribute_gives_faces_without_maps():
    assert explain_faces({}, IMAGE, PLACES) == ((), ())


def test_each_face_has_a_map_of_each_attribute(models):
    explained = explain_faces(models, IMAGE, PLACES)
    assert [[each.attribute for each in face] for face in explained] == [['emotion', 'gender']] * 2
    emotion = explained[0][0]
    assert emotion.placed.values.shape == (8, 8)
    assert emotion.placed.square == models['emotion'].spec.crop.square_about(PLACES[0].box)
    assert emotion.label in EMOTION_LABELS
    assert emotion.caption == f'{emotion.label} {emotion.confidence:.0%}'


def test_a_class_is_explained_by_the_attribute_that_has_it_and_the_other_shows_its_top(models):
    ((emotion, gender),) = explain_faces(models, IMAGE, PLACES[:1], target='fear')
    assert emotion.label == 'fear'
    assert gender.confidence >= 0.5


def test_a_target_that_nobody_knows_is_refused(models):
    with pytest.raises(ConfigurationError, match='hungry'):
        explain_faces(models, IMAGE, PLACES, target='hungry')


def test_class_maps_have_no_label_and_no_confidence(models, monkeypatch):
    for model in models.values():
        monkeypatch.setattr(model, '_has_class_maps', dict.fromkeys(('emotion', 'gender'), True))
    ((emotion, _),) = explain_faces(models, IMAGE, PLACES[:1], target='class_maps')
    assert math.isnan(emotion.confidence)
    assert emotion.caption == 'class maps'


def test_an_upright_crop_is_explained_and_shown_where_it_was_cut(models, monkeypatch):
    points = np.float32([[20, 15], [26, 21], [18, 22], [13, 22], [18, 27]])  # turned by 45 degrees
    place = FacePlace(BoundingBox(10, 10, 30, 34), points)
    for model in models.values():
        upright = replace(model.spec.crop, upright=True)
        monkeypatch.setattr(model, 'spec', replace(model.spec, crop=upright))
    (face,) = explain_faces(models, IMAGE, (place,))
    (plain,) = explain_faces(models, IMAGE, (FacePlace(place.box),))
    assert face[0].placed.roll == pytest.approx(45.0, abs=3.0)
    assert plain[0].placed.roll == 0.0
    shown = mosaic_row(IMAGE, face, '#7', 'turbo')[0].picture
    placed = face[0].placed
    assert np.array_equal(shown, cut_crop(IMAGE, placed.square, shown.shape[:2], placed.roll))


def test_a_row_of_the_mosaic_is_the_crop_and_a_map_for_each_attribute(models):
    (face,) = explain_faces(models, IMAGE, PLACES[:1])
    tiles = mosaic_row(IMAGE, face, '#7', 'turbo')
    assert [tile.caption for tile in tiles] == ['#7', face[0].caption, face[1].caption]
    assert mosaic_row(IMAGE, (), '#7', 'turbo') == []
