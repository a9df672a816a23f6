"""Exported models are networks to go on from, and teachers."""

from __future__ import annotations

import json

import numpy as np
import pytest

torch = pytest.importorskip('torch')

from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.provenance import provenance_of
from rtcnn_perception.training.engine.start_weights import fill_first
from rtcnn_perception.training.engine.teachers import load_teachers
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.exported_weights import exported_network
from rtcnn_perception.training.tasks.attributes.export import export
from rtcnn_perception.training.tasks.attributes.export import ExportRequest
from torch import nn

LABELS = {'emotion': tuple('abcdefg'), 'gender': ('woman', 'man')}
TRAINED = {'name': 'FER-2013', 'terms': 'of its owner'}


@pytest.fixture
def write(tmp_path):
    """Return what exports a network that looks as if it were trained, and gives both."""

    def write(architecture, *, half=False):
        torch.manual_seed(1)
        network = build_network(architecture, {n: len(names) for n, names in LABELS.items()})
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, std=0.3)
                nn.init.normal_(module.running_mean, std=0.3)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
        request = ExportRequest(
            name='made',
            labels=LABELS,
            geometry=CropGeometry(0.0),
            temperatures={'emotion': 1.5, 'gender': 0.7},
            data=[TRAINED],
            command='rtcnn_perception train one && rtcnn_perception export one',
            half=half,
        )
        export(network.eval(), request, tmp_path / architecture)
        return network, tmp_path / architecture

    return write


def faces(network):
    generator = torch.Generator().manual_seed(2)
    return torch.rand(16, 1, *network.spec.input_hw, generator=generator) * 2 - 1


@pytest.mark.parametrize('architecture', ARCHITECTURES)
def test_an_exported_network_says_what_it_said_in_training(write, architecture):
    network, folder = write(architecture)
    found = exported_network(folder)
    pixels = faces(network)
    with torch.inference_mode():
        expected, logits = network(pixels), found(pixels)
    for name in LABELS:
        assert expected[name].std() > 1e-3
        torch.testing.assert_close(logits[name], expected[name], atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize('named', ['', 'model.onnx', 'model.json'])
def test_a_training_that_begins_with_a_model_begins_as_that_model(write, named):
    network, folder = write('compact_resnet', half=True)
    begun = build_network('compact_resnet', {'emotion': 7})
    fill_first(begun, folder / named, lambda _hw: faces(network))
    pixels = faces(network)
    with torch.inference_mode():
        expected = network(pixels)['emotion']
        judging = begun.eval()(pixels)['emotion']
        learning = begun.train()(pixels)['emotion']
    torch.testing.assert_close(judging, expected, atol=2e-2, rtol=2e-2)
    torch.testing.assert_close(learning, expected, atol=2e-2, rtol=2e-2)


def test_a_model_teaches_as_a_checkpoint_does(write):
    network, folder = write('mini_xception')
    (teacher,) = load_teachers(f' {folder} ,', 'cpu')
    pixels = faces(network)
    with torch.inference_mode():
        torch.testing.assert_close(
            teacher(pixels)['gender'], network(pixels)['gender'], atol=1e-4, rtol=1e-4
        )


def test_a_card_tells_where_what_was_learnt_from_a_model_comes_from(write):
    _, folder = write('tiny_xception')
    found = provenance_of(folder)
    assert found.commands == ['rtcnn_perception train one', 'rtcnn_perception export one']
    assert found.data == [TRAINED]


def test_a_model_of_another_architecture_is_refused(write):
    _, folder = write('tiny_xception')
    with pytest.raises(ModelError, match='tiny_xception does not hold weights'):
        fill_first(build_network('compact_resnet', {'emotion': 7}), folder, faces)


@pytest.mark.parametrize('named', ['', 'resnet152', None, []])
def test_a_model_that_was_not_exported_here_is_refused(write, named):
    _, folder = write('tiny_xception')
    card = folder / 'model.json'
    fields = json.loads(card.read_text())
    fields['architecture'] = named
    card.write_text(json.dumps(fields))
    with pytest.raises(ModelError, match=r'architecture must be .*name a model that `rtcnn_perc'):
        exported_network(folder)


@pytest.mark.parametrize('part', ['command', 'data'])
@pytest.mark.parametrize('content', [None, 3, [3]])
def test_a_card_that_tells_no_provenance_is_refused(write, part, content):
    _, folder = write('tiny_xception')
    card = folder / 'model.json'
    card.write_text(json.dumps({**json.loads(card.read_text()), part: content}))
    with pytest.raises(ModelError, match=rf'model\.json: {part}.* must be '):
        provenance_of(folder)


def test_a_damaged_model_is_refused(write):
    _, folder = write('tiny_xception')
    graph = folder / 'model.onnx'
    graph.write_bytes(np.flip(np.frombuffer(graph.read_bytes(), np.uint8)).tobytes())
    with pytest.raises(ModelError, match='sha256'):
        exported_network(folder)
