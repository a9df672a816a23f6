"""What cannot be shown at work is refused in one line that names it."""

import json
from pathlib import Path

import numpy as np
import pytest

onnx = pytest.importorskip('onnx', reason='the training extra (onnx) is not installed')

from onnx import helper
from onnx import numpy_helper
from onnx import TensorProto
from rtcnn_perception.core.attributes.card import HeadSpec
from rtcnn_perception.core.attributes.card import ModelSpec
from rtcnn_perception.core.geometry.crops import CropGeometry
from rtcnn_perception.exceptions import ModelError
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from rtcnn_perception.saliency.write_graph import write_saliency_graph

LABELS = ('woman', 'man')
SPEC = ModelSpec(
    name='tiny',
    directory=Path('somewhere'),
    file='model.onnx',
    sha256='0' * 64,
    input_name='face',
    input_size_hw=(6, 6),
    input_dtype='uint8',
    channels='gray',
    scale=1.0,
    offset=0.0,
    crop=CropGeometry(0.1),
    heads=(HeadSpec('gender', 'gender', LABELS),),
)
CAST = helper.make_node('Cast', ['face'], ['x'], to=TensorProto.FLOAT)
CONV = helper.make_node('Conv', ['x', 'w'], ['maps'], pads=[1, 1, 1, 1])
MEAN = helper.make_node('ReduceMean', ['maps'], ['scores'], axes=[2, 3], keepdims=0)
END = helper.make_node('Softmax', ['scores'], ['gender'], axis=1)
USUAL = (CAST, CONV, MEAN, END)


def graph(nodes, *, shape=('N', 1, 6, 6), opset=13, classes=2, inputs=('face',), weights=()):
    """Return a network of these nodes."""
    constants = [('w', np.ones((2, 1, 3, 3), np.float32)), *weights]
    body = helper.make_graph(
        list(nodes),
        'tiny',
        [helper.make_tensor_value_info(name, TensorProto.UINT8, shape) for name in inputs],
        [helper.make_tensor_value_info('gender', TensorProto.FLOAT, ['N', classes])],
        [numpy_helper.from_array(array, name) for name, array in constants],
    )
    model = helper.make_model(body, opset_imports=[helper.make_opsetid('', opset)], ir_version=8)
    return model.SerializeToString()


def with_if():
    def branch(op):
        node = helper.make_node(op, ['scores'], [f'{op}_scores'])
        info = helper.make_tensor_value_info(f'{op}_scores', TensorProto.FLOAT, None)
        return helper.make_graph([node], op, [], [info])

    choice = helper.make_node(
        'If', ['yes'], ['chosen'], then_branch=branch('Identity'), else_branch=branch('Neg')
    )
    end = helper.make_node('Softmax', ['chosen'], ['gender'], axis=1)
    return graph([CAST, CONV, MEAN, choice, end], weights=[('yes', np.array(True))])


def between(op, **attributes):
    """Return the usual network with one more operation on the class maps."""
    node = helper.make_node(op, ['maps'], ['more'], **attributes)
    mean = helper.make_node('ReduceMean', ['more'], ['scores'], axes=[2, 3], keepdims=0)
    return graph([CAST, CONV, node, mean, END])


def test_the_usual_network_is_taken():
    assert build_saliency_graph(graph(USUAL), SPEC)


@pytest.mark.parametrize(
    ('content', 'words'),
    [
        (b'', ['valid ONNX graph']),
        (b'no graph', ['valid ONNX graph']),
        (between('Elu'), ['got Elu', 'MaxPool', 'Relu', 'Softmax']),
        (between('HardSwish'), ['valid ONNX graph']),
        (with_if(), ['dynamic control flow', 'If']),
        (graph(USUAL, shape=('N', 1, 'height', 'width')), ['fixed height and width']),
        (graph(USUAL, opset=11), ['opset 13 to 17', '[11]']),
        (
            graph([CAST, CONV, MEAN, helper.make_node('Sigmoid', ['scores'], ['gender'])]),
            ['Softmax', 'Sigmoid'],
        ),
        (
            graph(
                [CAST, helper.make_node('Conv', ['x', 'w'], ['maps'], auto_pad='VALID'), MEAN, END]
            ),
            ['auto_pad'],
        ),
        (between('MaxPool', kernel_shape=[2, 2], auto_pad='SAME_UPPER'), ['auto_pad']),
        (between('Transpose', perm=[1, 0, 2, 3]), ['shape of']),
    ],
)
def test_other_networks_are_refused_by_name(content, words):
    with pytest.raises(ModelError) as refused:
        build_saliency_graph(content, SPEC)
    message = str(refused.value)
    assert '\n' not in message
    for word in words:
        assert word in message


def test_a_second_input_is_refused():
    join = helper.make_node('Concat', ['face', 'other'], ['both'], axis=2)
    crop = helper.make_node('Cast', ['both'], ['x'], to=TensorProto.FLOAT)
    with pytest.raises(ModelError, match='one input'):
        build_saliency_graph(graph([join, crop, *USUAL[1:]], inputs=('face', 'other')), SPEC)


def test_a_card_of_other_classes_is_refused():
    weights = [('w', np.ones((3, 1, 3, 3), np.float32))]
    content = graph(USUAL, classes=3)
    model = onnx.load_from_string(content)
    model.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights[0][1], 'w'))
    with pytest.raises(ModelError, match='2 class scores'):
        build_saliency_graph(model.SerializeToString(), SPEC)


def test_a_model_without_a_card_is_refused_and_nothing_is_written(tmp_path):
    (tmp_path / 'model.onnx').write_bytes(graph(USUAL))
    with pytest.raises(ModelError, match=r'model\.json'):
        write_saliency_graph(tmp_path / 'model.onnx')
    assert [path.name for path in tmp_path.iterdir()] == ['model.onnx']


def write_model(folder, content):
    import hashlib  # noqa: PLC0415  used here alone

    (folder / 'model.onnx').write_bytes(content)
    card = {
        'format': 1,
        'name': 'tiny',
        'file': 'model.onnx',
        'sha256': hashlib.sha256(content).hexdigest(),
        'input': {
            'name': 'face',
            'size_hw': [6, 6],
            'channels': 'gray',
            'dtype': 'uint8',
            'scale': 1.0,
            'offset': 0.0,
        },
        'crop': {'margin': 0.1, 'shift_down': 0.0},
        'heads': [
            {'attribute': 'gender', 'output': 'gender', 'labels': list(LABELS), 'temperature': 1.0}
        ],
        'made_by': 'somebody',
    }
    (folder / 'model.json').write_text(json.dumps(card))


def test_what_is_not_covered_leaves_model_and_card_as_they_were(tmp_path):
    write_model(tmp_path, between('Elu'))
    before = (tmp_path / 'model.json').read_bytes()
    with pytest.raises(ModelError, match='Elu'):
        write_saliency_graph(tmp_path)
    assert (tmp_path / 'model.json').read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ['model.json', 'model.onnx']


def test_the_graph_is_written_and_named_in_the_card(tmp_path):
    write_model(tmp_path, graph(USUAL))
    written = write_saliency_graph(tmp_path / 'model.onnx')
    assert written == tmp_path / 'saliency.onnx'
    card = json.loads((tmp_path / 'model.json').read_text())
    assert card['saliency']['file'] == 'saliency.onnx'
    assert card['made_by'] == 'somebody'
    names = ['model.json', 'model.onnx', 'saliency.onnx']
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert write_saliency_graph(tmp_path) == written


def test_a_graph_that_judges_otherwise_is_not_written(tmp_path, monkeypatch):
    write_model(tmp_path, graph(USUAL))
    other = onnx.load_from_string(build_saliency_graph(graph(USUAL), SPEC))
    weights = next(t for t in other.graph.initializer if t.name in ('w', 'w_half'))
    array = numpy_helper.to_array(weights).copy()
    array[0] = 0
    weights.CopyFrom(numpy_helper.from_array(array, weights.name))
    monkeypatch.setattr(
        'rtcnn_perception.saliency.write_graph.build_saliency_graph',
        lambda _content, _spec: other.SerializeToString(),
    )
    with pytest.raises(ModelError, match='nothing was written'):
        write_saliency_graph(tmp_path)
    assert not (tmp_path / 'saliency.onnx').exists()
