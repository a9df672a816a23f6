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

"""Graphs of others become models that give what the graphs give, a face at a time."""

from __future__ import annotations

import json

from foreign_graphs import EIGHT
from foreign_graphs import foreign_graph
from foreign_graphs import quantise
from foreign_graphs import run
from foreign_graphs import SEVEN
from foreign_graphs import softmax
from foreign_graphs import write
from lively_networks import export
from lively_networks import labelled
import numpy as np
from onnx import helper
from onnx import TensorProto
import pytest
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.exceptions import PerceptionError
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from rtcnn_perception.training.tasks.attributes.adapt import adapt
from rtcnn_perception.training.tasks.attributes.adapt import AdaptSettings

GENDERS = ('woman', 'man')


def settings(labels=SEVEN, **changes):
    return AdaptSettings(**{'attribute': 'mood', 'labels': labels, 'name': 'made', **changes})


def faces(count, *shape):
    """Return noise, dark to bright."""
    rng = np.random.default_rng(3)
    bright = rng.uniform(0.1, 1.0, (count, 1, 1, 1))
    return (rng.integers(0, 256, (count, *shape)) * bright).astype(np.uint8)


def predicted(folder, pixels):
    return AttributeModel.load(folder).predict(pixels)['mood']


def check_same(folder, pixels, expected):
    """Compare faces one by one, together, and more of them than one run takes."""
    together = predicted(folder, pixels)
    np.testing.assert_allclose(together, expected, atol=1e-4)
    one_by_one = np.concatenate([predicted(folder, pixels[i : i + 1]) for i in range(2)])
    np.testing.assert_allclose(one_by_one, expected[:2], atol=1e-4)
    assert np.ptp(expected, axis=0).max() > 0.05, 'what differs by no face proves nothing'


def test_one_face_at_a_time_from_0_to_255_with_scores_as_fer_plus(tmp_path):
    model = foreign_graph(
        [1, 1, 64, 64], 8, opset=8, gain=1 / 255, fixed_reshape=True, taken='Input3'
    )
    path = write(tmp_path / 'fer.onnx', model)
    summary = adapt(path, tmp_path / 'a', settings(EIGHT)).summary
    assert summary == (
        'fer.onnx takes 64x64 gray as float32 from 0 to 255, a face at a time, and returns '
        'scores, which get a softmax'
    )
    pixels = faces(20, 1, 64, 64)
    check_same(tmp_path / 'a', pixels, softmax(run(path, pixels.astype(np.float32))))


def test_channels_last_from_0_to_1_with_probabilities_as_keras(tmp_path):
    path = write(tmp_path / 'k.onnx', foreign_graph(['N', 48, 48, 1], 7, gain=4, last='Softmax'))
    summary = adapt(path, tmp_path / 'a', settings(scale=(1 / 255,))).summary
    assert summary.endswith('from 0 to 1, and returns probabilities')
    pixels = faces(20, 1, 48, 48)
    moved = np.moveaxis(pixels.astype(np.float32) / 255, 1, 3)
    check_same(tmp_path / 'a', pixels, run(path, moved))
    write_saliency_graph(tmp_path / 'a')  # which compares both


def test_a_scale_for_each_colour_as_efficientnet(tmp_path):
    path = write(tmp_path / 'e.onnx', foreign_graph([1, 3, 40, 32], 7, last='Softmax'))
    scale, offset = (0.0171, 0.0175, 0.0174), (-2.1, -2.0, -1.8)
    adapt(path, tmp_path / 'a', settings(channels='rgb', scale=scale, offset=offset))
    card = AttributeModel.load(tmp_path / 'a').card
    assert (card.channels, card.input_size_hw) == ('rgb', (40, 32))
    pixels = faces(20, 3, 40, 32)
    scaled = pixels * np.float32(scale).reshape(3, 1, 1) + np.float32(offset).reshape(3, 1, 1)
    check_same(tmp_path / 'a', pixels, run(path, scaled))


def test_a_quantised_graph_gives_a_face_the_same_beside_any_other(tmp_path):
    path = write(tmp_path / 'q.onnx', foreign_graph(['N', 48, 48, 1], 7, gain=4, last='Softmax'))
    path = quantise(path)
    summary = adapt(path, tmp_path / 'a', settings(scale=(1 / 255,))).summary
    assert 'a face at a time' in summary
    pixels = faces(20, 1, 48, 48)
    moved = np.moveaxis(pixels.astype(np.float32) / 255, 1, 3)
    check_same(tmp_path / 'a', pixels, run(path, moved))


@pytest.mark.parametrize(
    ('dtype', 'kind'), [(TensorProto.UINT8, np.uint8), (TensorProto.FLOAT16, np.float16)]
)
def test_other_types_of_pixels(tmp_path, dtype, kind):
    model = foreign_graph(['N', 3, 'H', 'W'], 7, dtype=dtype, gain=1 / 64)
    path = write(tmp_path / 'm.onnx', model)
    adapt(path, tmp_path / 'a', settings(channels='bgr', size_hw=(24, 16), outputs='scores'))
    pixels = faces(4, 3, 24, 16)
    found = predicted(tmp_path / 'a', pixels)
    np.testing.assert_allclose(found, softmax(run(path, pixels.astype(kind))), atol=5e-3)


def test_a_temperature_softens_scores_and_stands_in_the_card(tmp_path):
    path = write(tmp_path / 'm.onnx', foreign_graph(['N', 1, 16, 16], 7, gain=1 / 64))
    adapt(path, tmp_path / 'a', settings(temperature=2.0))
    pixels = faces(4, 1, 16, 16)
    expected = softmax(run(path, pixels.astype(np.float32)) / 2)
    np.testing.assert_allclose(predicted(tmp_path / 'a', pixels), expected, atol=1e-4)
    card = json.loads((tmp_path / 'a/model.json').read_text())
    assert card['heads'] == [
        {'attribute': 'mood', 'output': 'mood', 'labels': list(SEVEN), 'temperature': 2.0}
    ]
    assert card['adapted']['file'] == 'm.onnx'


@pytest.mark.parametrize('batch', [1, 'N'])
def test_names_that_the_graph_has_are_not_taken_twice(tmp_path, batch):
    model = foreign_graph([batch, 1, 16, 16], 7, gain=1 / 64, taken='face.pixels', given='mood')
    path = write(tmp_path / 'm.onnx', model)
    first = adapt(path, tmp_path / 'a', settings()).model
    again = adapt(first.card.path, tmp_path / 'b', settings()).model
    pixels = faces(4, 1, 16, 16)
    expected = first.predict(pixels)['mood']
    np.testing.assert_allclose(again.predict(pixels)['mood'], expected, atol=1e-5)


def test_one_of_several_outputs_is_taken(tmp_path):
    model = foreign_graph([1, 1, 16, 16], 7, gain=1 / 64)
    model.graph.output.append(helper.make_tensor_value_info('d', TensorProto.FLOAT, [1, 6]))
    path = write(tmp_path / 'm.onnx', model)
    with pytest.raises(PerceptionError, match=r'an output among dense_1, d, .*--graph-output'):
        adapt(path, tmp_path / 'a', settings())
    adapt(path, tmp_path / 'a', settings(tuple('abcdef'), graph_output='d', outputs='scores'))
    assert predicted(tmp_path / 'a', faces(2, 1, 16, 16)).shape == (2, 6)


REFUSED = [
    (([1, 3, 8, 8], 7), {}, r'three planes: say in which order with --channels rgb or bgr'),
    (([1, 3, 8, 8], 7), {'channels': 'gray'}, r'takes \(3\), --channels says \(1\)'),
    (([1, 1, 8, 8], 7), {'labels': GENDERS}, 'returns 7 numbers .* --labels names 2 classes'),
    (([1, 1, 8, 8], 7), {'labels': ('a', 'a')}, '--labels must be two or more different names'),
    (([1, 1, 8, 8], 7), {'attribute': 'A b'}, '--attribute must be lower case letters'),
    (([1, 1, 8, 8], 7), {'attribute': 'pose'}, '--attribute must be .* none of all, annotation'),
    (([1, 1, 8, 8], 7), {'size_hw': (9, 8)}, r'takes \(8, 8\), --size says \(9, 8\)'),
    (([1, 1, 'H', 'W'], 7), {}, r'takes \(any, any\); say what with --size'),
    (([1, 1, 8, 8], 7), {'scale': (1.0, 2.0)}, '--scale must be one finite number, or one for'),
    (([1, 1, 8, 8], 7), {'scale': (0.0,)}, '--scale must not be 0'),
    (([1, 1, 8, 8], 7), {'offset': (float('nan'),)}, '--offset must be one finite number'),
    (([2, 1, 8, 8], 7), {}, 'expected a graph for one face or any number, got 2'),
    (([1, 1, 8, 8], 7), {'layout': 'nhwc'}, r'expected an input of 1 or 3 planes'),
]


@pytest.mark.parametrize(('made', 'changes', 'message'), REFUSED)
def test_what_cannot_be_is_refused_and_nothing_is_written(tmp_path, made, changes, message):
    path = write(tmp_path / 'm.onnx', foreign_graph(*made, gain=1 / 64))
    with pytest.raises(PerceptionError, match=message):
        adapt(path, tmp_path / 'a', settings(**changes))
    assert not (tmp_path / 'a').exists()


def test_the_graph_as_it_came_is_not_overwritten(tmp_path):
    path = write(tmp_path / 'model.onnx', foreign_graph([1, 1, 8, 8], 7, gain=1 / 64))
    before = path.read_bytes()
    with pytest.raises(PerceptionError, match='holds the graph itself; name another --output'):
        adapt(path, tmp_path, settings())
    assert path.read_bytes() == before


def test_files_of_the_model_before_are_removed(tmp_path):
    path = write(tmp_path / 'm.onnx', foreign_graph([1, 1, 8, 8], 7, gain=1 / 64))
    export(labelled(), tmp_path / 'a')
    write_saliency_graph(tmp_path / 'a')
    (tmp_path / 'a/model_int8.onnx').write_bytes(b'in eight bits')
    removed = adapt(path, tmp_path / 'a', settings()).removed
    assert sorted(removed) == ['README.md', 'model_int8.onnx', 'saliency.onnx']
    assert sorted(each.name for each in (tmp_path / 'a').iterdir()) == ['model.json', 'model.onnx']
    assert adapt(path, tmp_path / 'a', settings()).removed == ()


def test_a_page_that_no_export_wrote_stays(tmp_path):
    path = write(tmp_path / 'm.onnx', foreign_graph([1, 1, 8, 8], 7, gain=1 / 64))
    (tmp_path / 'a').mkdir()
    for name in ('README.md', 'saliency.onnx'):
        (tmp_path / 'a' / name).write_text('the user wrote this')
    assert adapt(path, tmp_path / 'a', settings()).removed == ()  # no model was there
    assert adapt(path, tmp_path / 'a', settings()).removed == ('saliency.onnx',)
    (tmp_path / 'a/model.json').write_text('damaged')
    adapt(path, tmp_path / 'a', settings())
    assert (tmp_path / 'a/README.md').read_text() == 'the user wrote this'


def test_a_shape_that_fits_both_layouts_needs_to_be_told(tmp_path):
    model = foreign_graph([1, 'C', 8, 'W'], 7, gain=1 / 64, planes=3, layout='nchw')
    path = write(tmp_path / 'm.onnx', model)
    options = {'channels': 'rgb', 'size_hw': (8, 8)}
    with pytest.raises(PerceptionError, match='where the channels are; give --layout nchw or'):
        adapt(path, tmp_path / 'a', settings(**options))
    adapt(path, tmp_path / 'a', settings(layout='nchw', **options))


def test_numbers_that_may_be_scores_or_decisions_on_each_class_need_to_be_told(tmp_path):
    path = write(tmp_path / 'm.onnx', foreign_graph([1, 1, 8, 8], 7, last='Sigmoid'))
    with pytest.raises(PerceptionError, match=r'whose sum is not 1, .* say --outputs scores'):
        adapt(path, tmp_path / 'a', settings())
    with pytest.raises(PerceptionError, match='are no probabilities; say --outputs scores'):
        adapt(path, tmp_path / 'a', settings(outputs='probabilities'))
    adapt(path, tmp_path / 'a', settings(outputs='scores'))


@pytest.mark.parametrize('content', [b'', b'no graph', None])
def test_what_is_no_graph_is_refused(tmp_path, content):
    path = tmp_path / 'm.onnx'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PerceptionError, match=r'm\.onnx'):
        adapt(path, tmp_path / 'a', settings())
