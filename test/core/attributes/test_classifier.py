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

"""Each attribute is classified by its model, with as few cuts and runs as possible."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.attributes import classifier as classifier_module
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import DEFAULT_ATTRIBUTES
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import Crop
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.results import AttributeInfo
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.resources import models_directory
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

HATS = ('none', 'cap', 'top hat')
BOX = BoundingBox(20, 20, 40, 44)
REGIONS = (FaceRegion(BOX), FaceRegion(BoundingBox(-5, 10, 12, 30)))


@pytest.fixture
def emotion(tmp_path):
    return write_tiny_model(tmp_path / 'emotion', {'emotion': EMOTIONS})


@pytest.fixture
def gender(tmp_path):
    return write_tiny_model(tmp_path / 'gender', {'gender': GENDERS}, margin=0.3)


@pytest.fixture
def hat(tmp_path):
    return write_tiny_model(tmp_path / 'hat', {'hat': HATS}, margin=0.3, seed=3)


@pytest.fixture
def several(tmp_path):
    heads = {'emotion': EMOTIONS, 'gender': GENDERS, 'hat': HATS}
    return write_tiny_model(tmp_path / 'several', heads, margin=0.2)


@pytest.fixture
def runs(monkeypatch):
    """Collect the folder of the model of every run that follows."""
    collected = []
    predict = AttributeModel.predict

    def counting_predict(self, faces):
        collected.append(self.card.directory.name)
        return predict(self, faces)

    monkeypatch.setattr(AttributeModel, 'predict', counting_predict)
    return collected


def shapes(found):
    return {name: rows.shape for name, rows in found.probabilities.items()}


def test_without_attributes_nothing_is_classified_and_the_crop_is_about_the_box(image):
    classifier = AttributeClassifier.load({})
    found = classifier.classify(image, REGIONS)
    assert found.probabilities == {}
    assert found.crops == tuple(CropGeometry(margin=0.0).crop(region) for region in REGIONS)
    assert classifier.attributes == ()
    assert classifier.classify(image, ()).crops == ()


def test_no_faces_give_no_rows(image, emotion, gender):
    found = AttributeClassifier.load({'emotion': emotion, 'gender': gender}).classify(image, ())
    assert shapes(found) == {'emotion': (0, 7), 'gender': (0, 2)}
    assert found.crops == ()


def test_each_attribute_is_what_its_model_alone_predicts(image, emotion, gender, hat):
    paths = {'emotion': emotion, 'gender': gender, 'hat': hat}
    classifier = AttributeClassifier.load(paths)
    found = classifier.classify(image, REGIONS)
    assert list(found.probabilities) == ['emotion', 'gender', 'hat']
    for name, path in paths.items():
        alone = AttributeModel.load(path)
        crops = [alone.card.crop.crop(region) for region in REGIONS]
        expected = alone.predict(cut_crops(image, crops, (8, 8), 'gray'))[name]
        np.testing.assert_array_equal(found.probabilities[name], expected)


def test_attributes_are_reported_in_the_order_asked_for_with_labels_and_model(
    emotion, gender, hat
):
    paths = {'emotion': emotion, 'gender': gender, 'hat': hat}
    labels = {'emotion': EMOTIONS, 'gender': GENDERS, 'hat': HATS}
    for order in (('hat', 'emotion', 'gender'), ('gender', 'hat', 'emotion')):
        classifier = AttributeClassifier.load({name: paths[name] for name in order})
        assert classifier.attributes == tuple(
            AttributeInfo(name, labels[name], AttributeModel.load(paths[name]).card.tag)
            for name in order
        )


def test_crops_are_those_of_the_first_attribute(image, emotion, gender):
    by_margin = {
        margin: tuple(CropGeometry(margin, 0.05).crop(region) for region in REGIONS)
        for margin in (0.1, 0.3)
    }
    for paths, margin in (
        ({'emotion': emotion, 'gender': gender}, 0.1),
        ({'gender': gender, 'emotion': emotion}, 0.3),
        ({'gender': gender}, 0.3),
    ):
        found = AttributeClassifier.load(paths).classify(image, REGIONS)
        assert found.crops == by_margin[margin]
        assert all(isinstance(crop, Crop) for crop in found.crops)


def test_heads_that_are_not_asked_for_come_beside_the_attributes(image, several):
    classifier = AttributeClassifier.load({'gender': several})
    found = classifier.classify(image, REGIONS)
    assert [each.name for each in classifier.attributes] == ['gender']
    assert shapes(found) == {'gender': (2, 2), 'emotion': (2, 7), 'hat': (2, 3)}
    assert {each.name: len(each.labels) for each in found.others} == {'emotion': 7, 'hat': 3}


def test_a_model_of_several_attributes_is_loaded_and_run_once(image, several, runs, monkeypatch):
    loads = []
    load = AttributeModel.load

    def counting_load(path, *options):
        loads.append(path)
        return load(path, *options)

    monkeypatch.setattr(AttributeModel, 'load', counting_load)
    linked = several.parent / 'linked'
    linked.symlink_to(several)
    paths = {'hat': several, 'emotion': several / 'model.onnx', 'gender': linked / 'model.json'}
    classifier = AttributeClassifier.load(paths)
    assert loads == [several]
    runs.clear()
    found = classifier.classify(image, REGIONS)
    assert runs == ['several']
    assert shapes(found) == {'hat': (2, 3), 'emotion': (2, 7), 'gender': (2, 2)}
    assert list(found.probabilities) == ['hat', 'emotion', 'gender']


def test_a_model_of_some_attributes_runs_beside_the_models_of_others(image, several, hat, runs):
    paths = {'emotion': several, 'hat': hat, 'gender': several}
    classifier = AttributeClassifier.load(paths)
    runs.clear()
    assert list(classifier.classify(image, REGIONS).probabilities) == ['emotion', 'hat', 'gender']
    assert sorted(runs) == ['hat', 'several']


def test_crops_of_one_kind_are_cut_once(tmp_path, image, emotion, monkeypatch):
    cuts = []

    def counting_cut(*arguments):
        cuts.append(arguments)
        return cut_crops(*arguments)

    monkeypatch.setattr(classifier_module, 'cut_crops', counting_cut)
    for margin, expected in ((0.1, 1), (0.3, 2)):
        other = write_tiny_model(tmp_path / str(margin), {'gender': GENDERS}, margin=margin)
        classifier = AttributeClassifier.load({'emotion': emotion, 'gender': other})
        cuts.clear()
        classifier.classify(image, REGIONS)
        assert len(cuts) == expected


def test_a_model_without_a_head_for_its_attribute_is_refused(emotion):
    with pytest.raises(
        ModelError, match='expected a model that classifies gender, got one that c'
    ):
        AttributeClassifier.load({'emotion': emotion, 'gender': emotion})


def test_a_missing_model_is_refused(tmp_path, gender):
    with pytest.raises(ModelError, match='nowhere'):
        AttributeClassifier.load({'emotion': tmp_path / 'nowhere', 'gender': gender})


def test_threads_spinning_and_precision_reach_every_model(emotion, gender, monkeypatch):
    given = []
    load = AttributeModel.load

    def keeping_load(path, *options):
        given.append(options)
        return load(path, *options)

    monkeypatch.setattr(AttributeModel, 'load', keeping_load)
    paths = {'emotion': emotion, 'gender': gender}
    AttributeClassifier.load(paths, threads=2, allow_spinning=True, precision='float')
    assert given == [(2, True, 'float')] * 2


def test_the_models_that_ship_classify_the_default_attributes(image):
    paths = classifier_module.model_paths(DEFAULT_ATTRIBUTES, {}, (models_directory(),))
    classifier = AttributeClassifier.load(paths)
    assert tuple(each.name for each in classifier.attributes) == DEFAULT_ATTRIBUTES
    found = classifier.classify(image, REGIONS)
    assert all(len(rows) == 2 for rows in found.probabilities.values())
