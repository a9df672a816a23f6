from __future__ import annotations

import hashlib
import json

import numpy as np
import onnx
import pytest

torch = pytest.importorskip('torch')
pytest.importorskip('tensorboard')

from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.core.labels import EMOTION_LABELS
from rtcnn_perception.core.labels import GENDER_LABELS
from rtcnn_perception.core.labels import LABELS
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.training.engine.provenance import data_entry
from rtcnn_perception.training.models import onnx_export as onnx_graph
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.folding import folded
from rtcnn_perception.training.models.layers import batch_norm
from rtcnn_perception.training.tasks.attributes.export import export
from rtcnn_perception.training.tasks.attributes.export import ExportRequest
from torch import nn

BOTH = {'emotion': 7, 'gender': 2}


def lively(name, classes):
    """Return a network whose statistics are not those of a fresh one."""
    torch.manual_seed(0)
    network = build_network(name, classes)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.uniform_(module.bias, -0.3, 0.3)
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 1.5)
    return network.eval()


def request(**changes):
    values = {
        'name': 'small',
        'labels': LABELS,
        'geometry': CropGeometry(0.2, 0.05),
        'temperatures': {'emotion': 1.5, 'gender': 0.8},
        'data': [data_entry('FER-2013'), data_entry('mine')],
        'command': 'rtcnn_perception train small',
    }
    return ExportRequest(**{**values, **changes})


@pytest.mark.parametrize('name', sorted(ARCHITECTURES))
def test_a_folded_network_says_the_same(name):
    network = lively(name, BOTH)
    pixels = torch.rand(3, 1, *network.spec.input_hw) * 2 - 1
    with torch.inference_mode():
        whole, short = network(pixels), folded(network)(pixels)
    for attribute in BOTH:
        torch.testing.assert_close(short[attribute], whole[attribute], rtol=1e-3, atol=1e-4)


def test_a_normalisation_without_a_convolution_is_no_candidate_for_folding():
    network = lively('tiny_xception', BOTH)
    network.hidden = nn.Sequential(nn.ReLU(), batch_norm(64))
    with pytest.raises(ValueError, match=r'no convolution was found before .*hidden'):
        folded(network)


@pytest.mark.parametrize('name', sorted(ARCHITECTURES))
@pytest.mark.parametrize('half', [False, True])
def test_an_exported_graph_agrees_with_pytorch(name, half):
    content, told = onnx_graph.to_onnx(lively(name, BOTH), {'emotion': 1.5, 'gender': 0.8}, half)
    assert told['largest_deviation_from_pytorch'] <= 1e-4
    assert ('largest_deviation_with_float16' in told) == half
    model = onnx.load_from_string(content)
    assert model.opset_import[0].version <= 17
    # Published weights are for padding to one side, which mobilenet, a teacher, has to do itself.
    slow = {'BatchNormalization'} if name == 'mobilenet' else {'BatchNormalization', 'Pad'}
    assert not {n.op_type for n in model.graph.node} & slow


def test_a_fault_of_folding_is_found(monkeypatch):
    def wrongly(network):
        network = folded(network)
        with torch.no_grad():
            network.heads['gender'].bias[0] += 0.01
        return network

    monkeypatch.setattr(onnx_graph, 'folded', wrongly)
    with pytest.raises(ModelError, match='deviates from PyTorch by'):
        onnx_graph.to_onnx(lively('tiny_xception', BOTH), dict.fromkeys(BOTH, 1.0), half=True)


def test_what_float16_changes_is_told_and_is_what_it_changes():
    network = lively('mini_xception', BOTH)
    content, told = onnx_graph.to_onnx(network, dict.fromkeys(BOTH, 0.1), half=True)
    session, worst = onnx_graph.open_session(content), [0.0, 0.0]
    for face in onnx_graph.parity_faces((1, 64, 64))[:, None]:
        with torch.inference_mode():
            logits = network(torch.from_numpy(face).float() / 127.5 - 1)
        found = session.run(None, {'face': face})
        worst = [
            max(before, np.abs(rows - (logits[name] / 0.1).softmax(1).numpy()).max())
            for before, rows, name in zip(worst, found, BOTH, strict=True)
        ]
    expected = dict(zip(BOTH, worst, strict=True))
    assert told['largest_deviation_with_float16'] == pytest.approx(expected, rel=0.06)
    assert max(worst) > 1e-4  # more than a graph may deviate


def test_weights_that_float16_cannot_hold_are_refused():
    network = lively('tiny_xception', BOTH)
    with torch.no_grad():
        network.heads['gender'].weight[0] = 1e5
    with pytest.raises(ModelError, match='export them with --float32'):
        onnx_graph.to_onnx(network, dict.fromkeys(BOTH, 1e5), half=True)


def test_parity_is_tried_on_enough_faces_at_both_batch_sizes():
    assert onnx_graph.PARITY_FACES >= 32
    assert set(onnx_graph.PARITY_BATCHES) >= {1, 16}


def test_float16_weights_halve_the_file():
    network = lively('compact_resnet', BOTH)
    whole, half = (
        onnx_graph.to_onnx(network, {'emotion': 1.0, 'gender': 1.0}, kind)[0]
        for kind in (False, True)
    )
    assert len(half) < 0.6 * len(whole)


def test_an_exported_model_is_one_the_pipeline_loads(tmp_path):
    network = lively('compact_resnet', BOTH)
    export(network, request(half=False), tmp_path / 'model')
    spec = AttributeCard.load(tmp_path / 'model')
    assert spec.crop == CropGeometry(0.2, 0.05)
    assert [head.labels for head in spec.heads] == [EMOTION_LABELS, GENDER_LABELS]
    crops = np.random.default_rng(0).integers(0, 256, (5, 1, 48, 48)).astype(np.uint8)
    found = AttributeModel.load(tmp_path / 'model').judge(crops)
    with torch.inference_mode():
        logits = network(torch.from_numpy(crops).float() / 127.5 - 1)
    for attribute, temperature in (('emotion', 1.5), ('gender', 0.8)):
        expected = (logits[attribute] / temperature).softmax(1).numpy()
        np.testing.assert_allclose(found[attribute], expected, atol=1e-4)


def test_a_card_says_what_the_file_is(tmp_path):
    def measure(model):
        assert AttributeModel.load(model).spec.name == 'small'
        return {'emotion_accuracy': 0.65996}

    path = export(lively('tiny_xception', {'emotion': 7}), request(), tmp_path, measure)
    card = json.loads((tmp_path / 'model.json').read_text())
    assert card['sha256'] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert card['parameters'] == 18_314
    assert card['heads'][0]['temperature'] == 1.5
    assert card['metrics'] == {'emotion_accuracy': 0.66}
    assert {entry['name'] for entry in card['data']} == {'FER-2013', 'mine'}
    page = (tmp_path / 'README.md').read_text()
    for expected in ('# small', '18,314', '0.6600', 'FER-2013', card['sha256'], card['command']):
        assert expected in page


LIMITS = {
    'FER-2013': 'Those of FER-2013 are',
    'LFW': 'Most of LFW are men',
    'UTKFace': 'Children are judged',
}


@pytest.mark.parametrize(
    ('classes', 'data', 'limits'),
    [
        ({'emotion': 7}, ['mine'], []),
        ({'emotion': 7}, ['FER-2013', 'LFW', 'UTKFace'], ['FER-2013']),
        ({'gender': 2}, ['mine', 'UTKFace'], ['UTKFace']),
        (BOTH, ['FER-2013', 'LFW'], ['FER-2013', 'LFW']),
    ],
)
def test_a_page_tells_the_limits_of_the_data_that_was_learnt_from(tmp_path, classes, data, limits):
    asked = request(data=[data_entry(name) for name in data])
    export(lively('tiny_xception', classes), asked, tmp_path)
    page = (tmp_path / 'README.md').read_text()
    assert [name for name, text in LIMITS.items() if text in page] == limits
    assert ('An expression is not a feeling' in page) == ('emotion' in classes)
    assert ('no fact about a person' in page) == ('gender' in classes)


def test_a_page_without_figures_has_no_table_for_them(tmp_path):
    export(lively('tiny_xception', {'emotion': 7}), request(), tmp_path)
    assert 'Measured' not in (tmp_path / 'README.md').read_text()


def test_an_export_that_deviates_writes_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_graph, 'TOLERANCE', -1.0)
    with pytest.raises(ModelError, match=r'deviates from PyTorch by .* nothing was written'):
        export(lively('tiny_xception', {'emotion': 7}), request(), tmp_path / 'model')
    assert not (tmp_path / 'model').exists()


def test_an_export_of_weights_that_are_no_numbers_is_refused(tmp_path):
    network = lively('tiny_xception', {'emotion': 7})
    with torch.no_grad():
        network.heads['emotion'].bias.fill_(float('nan'))
    with pytest.raises(ModelError, match='deviates from PyTorch by nan'):
        export(network, request(), tmp_path / 'model')
    assert not (tmp_path / 'model').exists()


def test_an_unwritable_folder_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ConfigurationError, match='cannot write to the folder'):
        export(lively('tiny_xception', {'emotion': 7}), request(), tmp_path / 'file')


def test_an_export_leaves_nothing_unfinished(tmp_path):
    export(lively('tiny_xception', {'emotion': 7}), request(), tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ['README.md', 'model.json', 'model.onnx']
