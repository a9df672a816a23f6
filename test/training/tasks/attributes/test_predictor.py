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

from __future__ import annotations

from dataclasses import replace

from bright_faces import bright_faces
from lively_networks import export
from lively_networks import labelled
from lively_networks import save
import numpy as np
import pytest
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.engine.checkpoints import load_checkpoint
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.tasks.attributes.calibration import softmax
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor
from rtcnn_perception.training.tasks.attributes.predictor import of_model
from rtcnn_perception.training.tasks.attributes.predictor import of_network
from rtcnn_perception.training.tasks.attributes.predictor import Predictor
from rtcnn_perception.training.tasks.attributes.robustness import rotated
from tiny_model import write_tiny_model

CLASSES = {'shade': ('dark', 'bright'), 'mood': ('happy', 'sad', 'calm')}


def test_no_faces_are_refused():
    with pytest.raises(DataError, match='no face to classify'):
        of_network(labelled(classes=CLASSES)).probabilities(bright_faces(0))


def test_probabilities_are_those_of_each_crop_and_sum_to_one():
    predictor = of_network(labelled(classes=CLASSES, crop=CropGeometry(0.1)))
    faces = bright_faces(3)
    found = predictor.probabilities(faces)
    assert {name: rows.shape for name, rows in found.items()} == {'shade': (3, 2), 'mood': (3, 3)}
    np.testing.assert_allclose(found['mood'].sum(1), 1.0, atol=1e-5)
    alone = predictor.probabilities(faces.take(np.array([2])))
    np.testing.assert_allclose(alone['shade'][0], found['shade'][2], atol=1e-5)
    other = predictor.with_margin(0.4)
    assert other.geometry.margin == 0.4
    assert (other.probabilities(faces)['shade'] != found['shade']).any()


def test_a_checkpoint_and_its_exported_model_give_the_same(tmp_path):
    source = labelled(classes=CLASSES, crop=CropGeometry(0.1))
    save(source, tmp_path / 'best.pt')
    export(source, tmp_path / 'model')
    first, second = (load_predictor(tmp_path / name) for name in ('best.pt', 'model'))
    assert first.classes == second.classes == CLASSES
    assert first.geometry == second.geometry == CropGeometry(0.1)
    faces = bright_faces(4)
    expected = first.probabilities(faces)
    for name, rows in second.probabilities(faces).items():
        np.testing.assert_allclose(rows, expected[name], atol=1e-4)


def write_checkpoint(path, source, frequencies, **settings):
    """Write a checkpoint of a training that left how frequent its classes are."""
    values = load_checkpoint(save(source, path, **settings))
    save_checkpoint(path, {**values, 'frequencies': frequencies})
    return path


MOODS = CLASSES['mood']


def test_the_heads_of_a_checkpoint_are_as_they_are_exported(tmp_path):
    source = labelled(classes={'mood': MOODS, 'votes': MOODS[::-1]})
    path = write_checkpoint(
        tmp_path / 'best.pt',
        source,
        {'mood': [0.8, 0.2, 0.0], 'votes': [0.2, 0.4, 0.4]},
        mix={'mood': {'head': 'votes', 'share': 0.25}},
        prior={'mood': 0.5},
    )
    faces = bright_faces(4)
    plain = source.logits(faces)
    found = load_predictor(path)
    rare = np.log(np.maximum([0.8, 0.2, 0.0], 1e-4))
    expected = 0.75 * plain['mood'] + 0.25 * plain['votes'][:, ::-1] - 0.5 * rare
    rows = found.probabilities(faces)
    np.testing.assert_allclose(rows['mood'], softmax(expected), atol=1e-4)
    np.testing.assert_allclose(rows['votes'], softmax(plain['votes']), atol=1e-4)
    (note,) = found.notes
    assert 'not calibrated' in note


def test_an_older_checkpoint_is_evaluated_without_its_prior_and_says_so(tmp_path):
    source = labelled(classes=CLASSES)
    found = load_predictor(save(source, tmp_path / 'best.pt', prior={'mood': 0.5}))
    assert 'not calibrated' in found.notes[0]
    assert 'frequent the classes of mood are' in found.notes[1]
    faces = bright_faces(2)
    expected = softmax(source.logits(faces)['mood'])
    np.testing.assert_allclose(found.probabilities(faces)['mood'], expected, atol=1e-4)


@pytest.mark.parametrize('frequencies', [3, {'mood': [0.5]}, {'mood': 'often'}])
def test_a_checkpoint_with_frequencies_that_are_none_is_refused(tmp_path, frequencies):
    path = write_checkpoint(tmp_path / 'best.pt', labelled(classes=CLASSES), frequencies)
    with pytest.raises(ModelError, match='no complete checkpoint: its frequencies of classes'):
        load_predictor(path)


def test_a_model_for_colour_gets_gray_in_each_channel_and_says_so(tmp_path):
    heads = {'mood': MOODS}
    models = [
        AttributeModel.load(write_tiny_model(tmp_path / name, heads, channels=name))
        for name in ('rgb', 'gray')
    ]
    colour, gray = map(of_model, models)
    faces = bright_faces(3)
    crops = np.stack([picture[:8, :8] for picture in faces.pictures])
    expected = models[0].predict(np.stack([crops] * 3, axis=1))['mood']
    np.testing.assert_allclose(colour.predict(crops)['mood'], expected, atol=1e-6)
    assert colour.probabilities(faces)['mood'].shape == (3, 3)
    (note,) = colour.notes
    assert 'takes colour (rgb), labelled faces are read as gray' in note
    assert gray.notes == ()


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(ModelError, match='nothing'):
        load_predictor(tmp_path / 'nothing')


def test_a_predictor_of_upright_crops_undoes_the_rotation_of_faces():
    def predict(crops):
        is_upper = crops[:, :8].mean((1, 2)) - crops[:, -8:].mean((1, 2)) > 110
        return {'shade': np.where(is_upper[:, None], [[0.0, 1.0]], [[1.0, 0.0]]).astype('f')}

    points = np.float32([[22, 25], [38, 25], [30, 32], [24, 40], [36, 40]])
    picture = np.full((60, 60), 100, np.uint8)
    bright = picture.copy()
    bright[:30] = 220
    faces = bright_faces(
        2,
        pictures=[picture, bright],
        boxes=np.tile([15.0, 15.0, 45.0, 45.0], (2, 1)),
        landmarks=np.stack([points, points]),
    )
    plain = Predictor('halves', {'shade': CLASSES['shade']}, (24, 24), CropGeometry(0.0), predict)
    upright = replace(plain, geometry=CropGeometry(0.0, upright=True))
    leaning = rotated(faces, -40.0)
    assert upright.probabilities(leaning)['shade'].argmax(1).tolist() == [0, 1]
    assert plain.probabilities(leaning)['shade'].argmax(1).tolist() == [0, 0]
