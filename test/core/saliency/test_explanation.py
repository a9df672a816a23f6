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

"""Each face of an image has a map of each attribute, at the place of its crop."""

from __future__ import annotations

from dataclasses import replace
import math

import numpy as np
import pytest
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import cut_crop
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.saliency.explanation import explain_faces
from rtcnn_perception.core.saliency.explanation import has_target
from rtcnn_perception.core.saliency.explanation import load_saliency_models
from rtcnn_perception.core.saliency.explanation import mosaic_row
from rtcnn_perception.core.saliency.explanation import overlay_map
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

IMAGE = np.random.default_rng(0).integers(0, 256, (60, 80, 3)).astype(np.uint8)
REGIONS = (
    FaceRegion(BoundingBox(10, 10, 30, 34)),
    FaceRegion(BoundingBox(-5, 20, 25, 70)),
)


@pytest.fixture(scope='module')
def models(tmp_path_factory):
    """Return a model for each attribute."""
    made = {}
    for name, labels in (('emotion', EMOTIONS), ('gender', GENDERS)):
        folder = write_tiny_model(tmp_path_factory.mktemp(name), {name: labels})
        write_saliency_graph(folder)
        made[name] = SaliencyModel.load(folder)
    return made


def test_no_faces_give_no_maps(models):
    assert explain_faces(models, IMAGE, ()) == ()


def test_no_attribute_gives_faces_without_maps():
    assert explain_faces({}, IMAGE, REGIONS) == ((), ())


def test_each_face_has_a_map_of_each_attribute(models):
    explained = explain_faces(models, IMAGE, REGIONS)
    assert [[each.attribute for each in face] for face in explained] == [['emotion', 'gender']] * 2
    emotion = explained[0][0]
    assert emotion.placed.values.shape == (8, 8)
    assert emotion.placed.crop == models['emotion'].card.crop.crop(REGIONS[0])
    assert emotion.label in EMOTIONS
    assert emotion.caption == f'{emotion.label} {emotion.confidence:.0%}'


def test_a_class_is_explained_by_the_attribute_that_has_it_and_the_other_shows_its_top(models):
    ((emotion, gender),) = explain_faces(models, IMAGE, REGIONS[:1], target='fear')
    assert emotion.label == 'fear'
    assert gender.confidence >= 0.5


def test_a_target_that_no_attribute_has_is_refused(models):
    with pytest.raises(ConfigurationError, match='hungry'):
        explain_faces(models, IMAGE, REGIONS, target='hungry')


def test_class_maps_have_no_label_and_no_confidence(models, monkeypatch):
    for model in models.values():
        monkeypatch.setattr(model, '_has_class_maps', dict.fromkeys(('emotion', 'gender'), True))
    ((emotion, _),) = explain_faces(models, IMAGE, REGIONS[:1], target='class_maps')
    assert math.isnan(emotion.confidence)
    assert emotion.caption == 'class maps'


def test_the_map_of_an_upright_crop_is_placed_where_it_was_cut(models, monkeypatch):
    points = np.float32(
        [[20, 15], [26, 21], [18, 22], [13, 22], [18, 27]]
    )  # rotated by 45 degrees
    region = FaceRegion(BoundingBox(10, 10, 30, 34), points)
    for model in models.values():
        upright = replace(model.card.crop, upright=True)
        monkeypatch.setattr(model, 'card', replace(model.card, crop=upright))
    (face,) = explain_faces(models, IMAGE, (region,))
    (plain,) = explain_faces(models, IMAGE, (FaceRegion(region.box),))
    assert face[0].placed.crop.roll == pytest.approx(45.0, abs=3.0)
    assert plain[0].placed.crop.roll == 0.0
    picture = mosaic_row(IMAGE, face, '#7', 'turbo')[0].picture
    assert np.array_equal(picture, cut_crop(IMAGE, face[0].placed.crop, picture.shape[:2]))


def test_a_row_of_the_mosaic_is_the_crop_and_the_map_of_each_attribute(models):
    (face,) = explain_faces(models, IMAGE, REGIONS[:1])
    tiles = mosaic_row(IMAGE, face, '#7', 'turbo')
    assert [tile.caption for tile in tiles] == ['#7', face[0].caption, face[1].caption]
    assert mosaic_row(IMAGE, (), '#7', 'turbo') == []


def test_a_model_of_several_attributes_is_loaded_once(tmp_path):
    heads = {'emotion': EMOTIONS, 'gender': GENDERS}
    several = write_tiny_model(tmp_path / 'several', heads)
    hat = write_tiny_model(tmp_path / 'hat', {'hat': ('none', 'cap', 'top hat')})
    for folder in (several, hat):
        write_saliency_graph(folder)
    paths = {'gender': several, 'hat': hat, 'emotion': several / 'model.onnx'}
    models = load_saliency_models(paths)
    assert list(models) == ['gender', 'hat', 'emotion']
    assert models['gender'] is models['emotion']
    assert models['hat'] is not models['gender']
    ((gender, hat_map, emotion),) = explain_faces(models, IMAGE, REGIONS[:1], target='cap')
    assert (gender.attribute, hat_map.attribute, emotion.attribute) == tuple(models)
    assert hat_map.label == 'cap'


def test_a_model_without_a_saliency_graph_is_refused(tmp_path):
    folder = write_tiny_model(tmp_path, {'gender': GENDERS})
    with pytest.raises(ModelError, match='saliency-graph'):
        load_saliency_models({'gender': folder})


def test_the_targets_are_the_classes_of_all_attributes_and_two_more(models):
    for target in ('top', 'class_maps', *EMOTIONS, *GENDERS):
        assert has_target(models, target)
    assert not has_target(models, 'hungry')
    assert not has_target({'gender': models['gender']}, 'happy')
    assert has_target({}, 'top')
    assert not has_target({}, 'man')


@pytest.mark.parametrize(('target', 'shown'), [('top', 0), ('fear', 0), ('man', 1)])
def test_the_map_over_the_picture_is_that_of_the_target(models, target, shown):
    (face,) = explain_faces(models, IMAGE, REGIONS[:1], target=target)
    assert overlay_map(face, target) is face[shown].placed
