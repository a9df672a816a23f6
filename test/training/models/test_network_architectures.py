from __future__ import annotations

import pytest

torch = pytest.importorskip('torch')

from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.architectures import Stem
from rtcnn_perception.training.models.costs import keras_parameters
from rtcnn_perception.training.models.costs import multiply_accumulates
from rtcnn_perception.training.models.layers import convolve
from rtcnn_perception.training.models.layers import same_padding
from rtcnn_perception.training.models.layers import SameConv2d
from rtcnn_perception.training.models.layers import SamePool2d
from rtcnn_perception.training.models.layers import SeparableConv2d
from rtcnn_perception.training.models.layers import StridedPointwise
from torch.nn import functional

EMOTION, GENDER = {'emotion': 7}, {'gender': 2}
BOTH = {**EMOTION, **GENDER}

# name, classes, parameters as Keras counts them, multiply-accumulates of one face
COUNTS = [
    ('mini_xception', EMOTION, 58_423, 10_163_392),
    ('mini_xception', GENDER, 52_658, 10_071_232),
    ('simple_cnn', EMOTION, 642_935, 71_550_720),
    ('tiny_xception', EMOTION, 18_314, 3_404_740),
    ('compact_resnet', EMOTION, 166_679, 9_668_032),
    ('wide_resnet', EMOTION, 1_601_191, 57_085_696),
    ('mobilenet', EMOTION, 3_235_463, 102_954_496),
]


@pytest.mark.parametrize(('name', 'classes', 'parameters', 'operations'), COUNTS)
def test_every_network_costs_what_its_description_says(name, classes, parameters, operations):
    network = build_network(name, classes)
    assert keras_parameters(network) == parameters
    assert multiply_accumulates(network, network.spec.input_hw) == operations


def test_every_network_in_the_table_has_its_counts_checked():
    assert {name for name, *_ in COUNTS} == set(ARCHITECTURES)


def test_every_network_names_its_source():
    assert all(spec.source for spec in ARCHITECTURES.values())


def test_own_network_stays_within_ten_million_multiply_accumulates():
    assert multiply_accumulates(build_network('compact_resnet', EMOTION), (48, 48)) <= 10_000_000


@pytest.mark.parametrize('name', sorted(ARCHITECTURES))
@pytest.mark.parametrize('count', [1, 3])
def test_a_network_gives_a_row_of_logits_for_each_face_and_attribute(name, count):
    network = build_network(name, BOTH).eval()
    height, width = network.spec.input_hw
    logits = network(torch.zeros(count, 1, height, width))
    assert {key: tuple(rows.shape) for key, rows in logits.items()} == {
        'emotion': (count, 7),
        'gender': (count, 2),
    }


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"'resnet50'; there are .*mini_xception"):
        build_network('resnet50', EMOTION)


def test_a_stem_needs_a_stride_for_each_width():
    with pytest.raises(ValueError, match='one stride for each width'):
        Stem((8, 8), (1,), 'same')


@pytest.mark.parametrize(
    ('size', 'kernel', 'stride', 'pads'),
    [(1, 1, 1, (0, 0)), (60, 3, 2, (0, 1)), (15, 3, 2, (1, 1)), (8, 3, 1, (1, 1))],
)
def test_same_padding_is_tensorflows(size, kernel, stride, pads):
    assert same_padding(size, kernel, stride) == pads


@pytest.mark.parametrize('size', [8, 15, 30, 60])
def test_maximum_pooling_equals_pooling_of_the_padded_picture(size):
    picture = torch.randn(1, 2, size, size)
    before, after = same_padding(size, 3, 2)
    padded = functional.pad(picture, (before, after, before, after), value=-1e9)
    assert torch.equal(SamePool2d('max', 3, 2)(picture), functional.max_pool2d(padded, 3, 2))


@pytest.mark.parametrize('size', [3, 6])
def test_average_pooling_does_not_count_padding(size):
    ones = torch.ones(1, 1, size, size)
    assert torch.equal(
        SamePool2d('average', 2, 2)(ones), torch.ones(1, 1, 3 - (size == 3), 2 + (size == 6))
    )


def test_a_same_convolution_keeps_the_size_for_an_even_kernel_too():
    assert SameConv2d(1, 1, 4)(torch.zeros(1, 1, 9, 9)).shape == (1, 1, 9, 9)


@pytest.mark.parametrize('size', [8, 15])
def test_a_shortcut_gives_the_same_while_it_trains(size):
    shortcut = StridedPointwise(8, 16)
    picture = torch.randn(2, 8, size, size)
    torch.testing.assert_close(shortcut.train()(picture), shortcut.eval()(picture))


@pytest.mark.parametrize(
    'layer',
    [
        SameConv2d(16, 16, 3, 2, groups=16, bias=False),
        SeparableConv2d(16, 24, 2),
    ],
)
def test_a_strided_depthwise_convolution_trains_in_float32_with_the_same_result(layer):
    x = torch.randn(2, 16, 24, 24, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(layer.train()(x), layer.eval()(x))
    depthwise = getattr(layer, 'depthwise', layer)
    with torch.autocast('cpu', torch.bfloat16):
        found = convolve(depthwise.train(), x.bfloat16(), (1, 1))
        rounded = convolve(depthwise.eval(), x.bfloat16(), (1, 1))
    expected = functional.conv2d(
        x.bfloat16().float(), depthwise.weight, stride=2, padding=1, groups=16
    )
    assert found.dtype == torch.bfloat16
    assert torch.equal(found, expected.bfloat16())
    torch.testing.assert_close(found, rounded, rtol=0.05, atol=0.05)
