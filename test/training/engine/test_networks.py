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

"""Networks with the names of their classes, from whatever holds their weights."""

from __future__ import annotations

from dataclasses import replace

from bright_faces import bright_faces
from lively_networks import CLASSES
from lively_networks import EMOTIONS
from lively_networks import export
from lively_networks import inputs
from lively_networks import labelled
from lively_networks import save
import numpy as np
import pytest
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.data.classes import UnknownClassError
from rtcnn_perception.training.engine.checkpoints import save_checkpoint
from rtcnn_perception.training.engine.networks import fill_start
from rtcnn_perception.training.engine.networks import load_network
from rtcnn_perception.training.engine.networks import Mix
from rtcnn_perception.training.engine.networks import start_from
import torch
from torch.overrides import TorchFunctionMode

WITH_VOTES = {'emotion': EMOTIONS, 'emotion_votes': EMOTIONS[::-1], 'gender': ('woman', 'man')}


def logits(source, pixels):
    with torch.inference_mode():
        return source.network(pixels)


def test_a_checkpoint_gives_its_network_classes_and_crop(tmp_path):
    source = labelled(crop=CropGeometry(0.2, 0.1, upright=True))
    found = load_network(save(source, tmp_path / 'best.pt'))
    assert found.classes == CLASSES
    assert found.crop == CropGeometry(0.2, 0.1, upright=True)
    pixels = inputs(found.network)
    expected = logits(source, pixels)
    torch.testing.assert_close(logits(found, pixels), expected)


def test_an_exported_model_gives_its_network_classes_and_crop(tmp_path):
    source = labelled(crop=CropGeometry(0.1))
    export(source, tmp_path)
    for path in (tmp_path, tmp_path / 'model.onnx', tmp_path / 'model.json'):
        found = load_network(path)
        assert found.classes == CLASSES
        assert found.crop == CropGeometry(0.1)


def test_a_checkpoint_of_another_architecture_is_refused(tmp_path):
    source = labelled()
    source.network.name = 'mini_xception'
    with pytest.raises(ModelError, match='does not hold weights of the architecture mini_xcep'):
        load_network(save(source, tmp_path / 'best.pt'))


def test_a_checkpoint_of_a_detector_is_refused(tmp_path):
    save_checkpoint(tmp_path / 'best.pt', {'config': {'detector': 'face_dense'}, 'average': {}})
    with pytest.raises(ModelError, match=r'best\.pt is no checkpoint of an attribute network'):
        load_network(tmp_path / 'best.pt')


@pytest.mark.parametrize(
    'classes', [None, 3, {}, {'emotion': 3}, {'emotion': ['a', 4]}, {7: ['a', 'b']}, {'a': 'bc'}]
)
def test_a_checkpoint_with_classes_that_are_none_is_refused(tmp_path, classes):
    content = {'config': {'architecture': 'slim_resnet'}, 'average': {}, 'classes': classes}
    save_checkpoint(tmp_path / 'best.pt', content)
    with pytest.raises(ModelError, match=r'no checkpoint of an attribute|must be a list of texts'):
        load_network(tmp_path / 'best.pt')


@pytest.mark.parametrize('config', [{}, {'architecture': 'slim_resnet', 'crop': {'odd': 1}}])
def test_a_checkpoint_with_an_incomplete_config_is_refused(tmp_path, config):
    content = {'config': config, 'average': {}, 'classes': {'emotion': ['a', 'b']}}
    save_checkpoint(tmp_path / 'best.pt', content)
    with pytest.raises(ModelError, match='no complete checkpoint: its config'):
        load_network(tmp_path / 'best.pt')


@pytest.mark.parametrize('architecture', ['slim_resnet', 'tiny_xception'])
def test_a_mixed_head_gives_the_weighted_sum_of_both_by_class_names(architecture):
    source = labelled(architecture, WITH_VOTES)
    found = source.mixed({'emotion': Mix('emotion_votes', 0.25)}, ['emotion', 'gender'])
    assert list(found.classes) == ['emotion', 'gender']
    pixels = inputs(source.network)
    before, after = logits(source, pixels), logits(found, pixels)
    expected = 0.75 * before['emotion'] + 0.25 * before['emotion_votes'].flip(1)
    torch.testing.assert_close(after['emotion'], expected, atol=1e-5, rtol=1e-4)
    torch.testing.assert_close(after['gender'], before['gender'])


@pytest.mark.parametrize('architecture', ['slim_resnet', 'tiny_xception'])
def test_a_head_without_its_prior_predicts_rare_classes_more_often(architecture):
    source = labelled(architecture)
    frequencies = {'gender': np.array([0.9, 0.1])}
    found = source.without_prior(frequencies, {'gender': 0.5})
    pixels = inputs(source.network)
    before, after = logits(source, pixels), logits(found, pixels)
    expected = before['gender'] - 0.5 * torch.tensor([0.9, 0.1]).log()
    torch.testing.assert_close(after['gender'], expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(after['emotion'], before['emotion'])


class OneDevice(TorchFunctionMode):
    """Refuse to compute with tensors of two devices, as a GPU does and 'meta' does not."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        assert len({each.device for each in args if isinstance(each, torch.Tensor)}) < 2, func
        return func(*args, **(kwargs or {}))


def test_a_prior_is_taken_from_a_network_on_another_device():
    source = labelled()
    source.network.to('meta')
    with OneDevice():
        found = source.without_prior({'gender': np.array([0.9, 0.1])}, {'gender': 0.5})
    assert found.network.heads['gender'].bias.device.type == 'meta'


def test_without_mixes_a_network_keeps_all_its_heads():
    source = labelled()
    found = source.mixed({})
    pixels = inputs(source.network)
    torch.testing.assert_close(logits(found, pixels), logits(source, pixels))


@pytest.mark.parametrize(
    ('mixes', 'kept', 'error', 'message'),
    [
        ({}, ['age'], ConfigurationError, 'made has no head age; it has emotion, gender'),
        ({'age': Mix('gender', 0.1)}, [], ConfigurationError, 'made has no head age'),
        ({'gender': Mix('age', 0.1)}, [], ConfigurationError, 'made has no head age'),
        ({'gender': Mix('emotion', 0.1)}, [], UnknownClassError, "has no class 'woman' or 'man'"),
    ],
)
def test_heads_that_cannot_be_mixed_are_refused(mixes, kept, error, message):
    with pytest.raises(error, match=message):
        labelled().mixed(mixes, kept)


def test_logits_are_those_of_each_crop():
    source = labelled(classes={'shade': ('dark', 'bright')}, crop=CropGeometry(0.0))
    faces = bright_faces(3)
    found = source.logits(faces)['shade']
    assert found.shape == (3, 2)
    alone = source.logits(faces.take(np.array([2])))['shade']
    np.testing.assert_allclose(alone[0], found[2], atol=1e-5)


def test_heads_start_by_class_names_and_from_a_head_over_the_same_classes():
    source = labelled(classes=CLASSES, seed=1)
    classes = {**WITH_VOTES, 'emotion': EMOTIONS[::-1], 'age': ('0-9', '10+')}
    network = labelled(classes=classes, seed=2).network
    untouched = network.heads['age'].bias.clone()
    notes = start_from(network, classes, source, 'best.pt')
    assert notes == ['age starts at random: best.pt has no head of these classes']
    theirs = source.network.heads['emotion'].bias
    assert torch.equal(network.heads['emotion'].bias, theirs.flip(0))
    assert torch.equal(network.heads['emotion_votes'].bias, theirs.flip(0))
    assert torch.equal(network.heads['gender'].bias, source.network.heads['gender'].bias)
    assert torch.equal(network.heads['age'].bias, untouched)
    assert torch.equal(network.stem[0].weight, source.network.stem[0].weight)


def test_a_head_of_other_classes_starts_at_random_and_one_of_the_same_as_that_with_a_note():
    classes = {'gender': ('woman', 'other'), 'mood': EMOTIONS}
    source, network = labelled(), labelled(classes=classes, seed=2).network
    untouched = network.heads['gender'].weight.clone()
    notes = start_from(network, classes, source, 'best.pt')
    assert notes == [
        'gender starts at random: best.pt has no head of these classes',
        'mood starts as the head emotion of best.pt, of the same classes',
    ]
    assert torch.equal(network.heads['gender'].weight, untouched)
    assert torch.equal(network.heads['mood'].weight, source.network.heads['emotion'].weight)


def test_weights_of_another_architecture_to_start_from_are_refused(tmp_path):
    export(labelled(), tmp_path)
    network = labelled('slim_resnet').network
    with pytest.raises(ModelError, match='does not hold weights of the architecture slim'):
        fill_start(network, CLASSES, tmp_path, lambda _hw: inputs(network))


def test_a_training_starts_as_the_exported_model_that_it_starts_from(tmp_path):
    source = labelled('slim_resnet')
    export(source, tmp_path, half=True)
    started = labelled('slim_resnet', {'emotion': EMOTIONS}, seed=5)
    pixels = inputs(started.network)
    fill_start(started.network, started.classes, tmp_path, lambda _hw: pixels)
    expected = logits(source, pixels)['emotion']
    found = logits(started, pixels)['emotion']
    training = replace(started, network=started.network.train())
    torch.testing.assert_close(found, expected, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(logits(training, pixels)['emotion'], expected, atol=2e-2, rtol=2e-2)
