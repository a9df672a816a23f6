"""Each attribute is judged by its model, with as few cuts and runs as may be."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.attributes import classifier as classification
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import FaceModel
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.exceptions import ModelError
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

BOX = BoundingBox(20, 20, 40, 44)
PLACES = (FacePlace(BOX), FacePlace(BoundingBox(-5, 10, 12, 30)))


@pytest.fixture
def image():
    return np.random.default_rng(5).integers(0, 256, (60, 80, 3), dtype=np.uint8)


@pytest.fixture
def emotion(tmp_path):
    return write_tiny_model(tmp_path / 'emotion', {'emotion': EMOTIONS})


@pytest.fixture
def gender(tmp_path):
    return write_tiny_model(tmp_path / 'gender', {'gender': GENDERS}, margin=0.3)


@pytest.fixture
def blended(tmp_path):
    heads = {'emotion': EMOTIONS, 'gender': GENDERS}
    return write_tiny_model(tmp_path / 'blended', heads, margin=0.2)


@pytest.fixture
def runs(monkeypatch):
    """Collect the model of every run that follows."""
    seen = []
    judge = FaceModel.judge

    def counting_judge(self, faces):
        seen.append(self.spec.directory.name)
        return judge(self, faces)

    monkeypatch.setattr(FaceModel, 'judge', counting_judge)
    return seen


def test_with_both_attributes_off_nothing_is_judged_and_a_crop_still_shown(image):
    classifier = AttributeClassifier.load(None, None)
    assert classifier.classify(image, PLACES) == {}
    assert classifier.labels == {}
    assert classifier.model_tags == {}
    assert classifier.crop_of(FacePlace(BOX)) == CropGeometry(margin=0.0).square_about(BOX)


def test_no_faces_give_no_rows(image, emotion, gender):
    judged = AttributeClassifier.load(emotion, gender).classify(image, ())
    assert {name: rows.shape for name, rows in judged.items()} == {
        'emotion': (0, 7),
        'gender': (0, 2),
    }


def test_each_attribute_is_what_its_model_alone_gives(image, emotion, gender):
    classifier = AttributeClassifier.load(emotion, gender)
    judged = classifier.classify(image, PLACES)
    assert list(judged) == ['emotion', 'gender']
    for name, path in (('emotion', emotion), ('gender', gender)):
        alone = FaceModel.load(path)
        np.testing.assert_array_equal(judged[name], alone.predict(image, PLACES)[name])
        assert classifier.model_tags[name] == alone.spec.tag
    assert classifier.labels == {'emotion': EMOTIONS, 'gender': GENDERS}


def test_the_crop_shown_is_that_of_emotion_else_that_of_gender(emotion, gender):
    emotion_square = CropGeometry(0.1, 0.05).square_about(BOX)
    gender_square = CropGeometry(0.3, 0.05).square_about(BOX)
    assert AttributeClassifier.load(emotion, gender).crop_of(FacePlace(BOX)) == emotion_square
    assert AttributeClassifier.load(None, gender).crop_of(FacePlace(BOX)) == gender_square


def test_an_attribute_without_model_is_off(image, blended):
    classifier = AttributeClassifier.load(None, blended)
    assert list(classifier.classify(image, PLACES)) == ['gender']
    assert list(classifier.labels) == ['gender']


def test_a_blended_model_judges_both_in_one_run(image, blended, runs):
    classifier = AttributeClassifier.load(blended, blended / 'model.onnx')
    runs.clear()
    judged = classifier.classify(image, PLACES)
    assert runs == ['blended']
    assert {name: rows.shape for name, rows in judged.items()} == {
        'emotion': (2, 7),
        'gender': (2, 2),
    }


def test_crops_of_one_kind_are_cut_once(tmp_path, image, emotion, monkeypatch):
    cuts = []
    cut_faces = classification.cut_faces

    def counting_cut(*arguments):
        cuts.append(arguments)
        return cut_faces(*arguments)

    monkeypatch.setattr(classification, 'cut_faces', counting_cut)
    for margin, expected in ((0.1, 1), (0.3, 2)):
        other = write_tiny_model(tmp_path / str(margin), {'gender': GENDERS}, margin=margin)
        classifier = AttributeClassifier.load(emotion, other)
        cuts.clear()
        classifier.classify(image, PLACES)
        assert len(cuts) == expected


def test_a_model_that_does_not_judge_its_attribute_is_refused(emotion):
    with pytest.raises(ModelError, match='expected a model that judges gender, got one that jud'):
        AttributeClassifier.load(emotion, emotion)


def test_a_missing_model_is_refused(tmp_path, gender):
    with pytest.raises(ModelError, match='nowhere'):
        AttributeClassifier.load(tmp_path / 'nowhere', gender)


def test_threads_and_spinning_reach_the_session(emotion):
    models = [
        FaceModel.load(emotion, threads=threads, allow_spinning=spins)
        for threads, spins in ((1, False), (2, True))
    ]
    options = [model._session.get_session_options() for model in models]
    assert [each.intra_op_num_threads for each in options] == [1, 2]
    assert [
        each.get_session_config_entry('session.intra_op.allow_spinning') for each in options
    ] == ['0', '1']
