"""Each operation that is covered, by small networks, against PyTorch's autograd."""

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the training extra (PyTorch) is not installed')
pytest.importorskip('onnx', reason='the training extra (onnx) is not installed')

from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.saliency.backward_pass import RULES
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from saliency_reference import export
from saliency_reference import operators
from saliency_reference import relative_error
from saliency_reference import run
from saliency_reference import session
from saliency_reference import shake
from saliency_reference import spec_of
from torch import nn
from torch.nn import functional

CLASSES = 7


class Apply(nn.Module):
    """A function as a layer."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Both(nn.Module):
    """Two ways, and what is made of both."""

    def __init__(self, first, second, join):
        super().__init__()
        self.first, self.second, self.join = first, second, join

    def forward(self, x):
        return self.join(self.first(x), self.second(x))


def ended(*layers, width=6):
    """Return layers with class maps and their average behind."""
    head = Apply(lambda x: x.mean((2, 3)))
    return nn.Sequential(*layers, nn.Conv2d(width, CLASSES, 3, padding=1), head)


def conv(width_in, width_out, kernel=3, **options):
    return nn.Conv2d(width_in, width_out, kernel, **options)


STEM = conv(1, 6, padding=1)
NETWORKS = {
    'plain convolution': lambda: ended(conv(1, 6)),
    'convolution, stride 2 on odd sides': lambda: ended(STEM, conv(6, 6, stride=2, padding=1)),
    'convolution, stride 2, pixels left over': lambda: ended(STEM, conv(6, 6, stride=2)),
    'convolution, stride 3 by 2': lambda: ended(STEM, conv(6, 6, stride=(3, 2))),
    'convolution, kernel 5 by 2': lambda: ended(STEM, conv(6, 6, (5, 2), padding=(0, 1))),
    'convolution, dilated': lambda: ended(STEM, conv(6, 6, dilation=2, padding=1)),
    'convolution, dilated and strided': lambda: ended(STEM, conv(6, 6, dilation=2, stride=2)),
    'convolution, padded wider than it reaches': lambda: ended(STEM, conv(6, 6, 1, padding=2)),
    'convolution, two groups': lambda: ended(STEM, conv(6, 4, groups=2), width=4),
    'convolution, two groups, strided': lambda: ended(
        STEM, conv(6, 4, groups=2, stride=2), width=4
    ),
    'depthwise': lambda: ended(STEM, conv(6, 6, groups=6, padding=1)),
    'depthwise, strided': lambda: ended(STEM, conv(6, 6, groups=6, padding=1, stride=2)),
    'depthwise, two maps each': lambda: ended(STEM, conv(6, 12, groups=6), width=12),
    'padding at one side': lambda: ended(nn.ZeroPad2d((0, 1, 0, 1)), STEM),
    'padding that cuts': lambda: ended(STEM, nn.ZeroPad2d((-1, 0, 2, -2))),
    'ReLU': lambda: ended(STEM, nn.ReLU()),
    'clipped': lambda: ended(STEM, Apply(lambda x: x.clamp(-0.3, 0.4))),
    'clipped below': lambda: ended(STEM, Apply(lambda x: x.clamp(min=-0.3))),
    'clipped above': lambda: ended(STEM, Apply(lambda x: x.clamp(max=0.4))),
    'sigmoid': lambda: ended(STEM, nn.Sigmoid()),
    'tanh': lambda: ended(STEM, nn.Tanh()),
    'normalisation after a convolution': lambda: ended(STEM, nn.BatchNorm2d(6)),
    'normalisation of the input': lambda: ended(nn.BatchNorm2d(1), STEM),
    'normalisation beside another reader': lambda: ended(
        STEM, Both(nn.BatchNorm2d(6), nn.Identity(), torch.add)
    ),
    'maximum 3 by 2, even end': lambda: ended(STEM, nn.MaxPool2d(3, 2, ceil_mode=True)),
    'maximum 3 by 2, padded': lambda: ended(STEM, nn.MaxPool2d(3, 2, padding=1)),
    'maximum 3 by 2, inside': lambda: ended(STEM, nn.MaxPool2d(3, 2)),
    'maximum 2 by 2': lambda: ended(STEM, nn.MaxPool2d(2)),
    'maximum 3 by 1': lambda: ended(STEM, nn.MaxPool2d(3, 1, padding=1)),
    'maximum 3 by 2, dilated': lambda: ended(STEM, nn.MaxPool2d(3, 2, dilation=2)),
    'average 2 by 2': lambda: ended(STEM, nn.AvgPool2d(2)),
    'average 2 by 2, to the end': lambda: ended(
        STEM, nn.AvgPool2d(2, ceil_mode=True, count_include_pad=False)
    ),
    'average 3 by 2': lambda: ended(STEM, nn.AvgPool2d(3, 2)),
    'average 3 by 2, padding counted': lambda: ended(STEM, nn.AvgPool2d(3, 2, padding=1)),
    'average 3 by 2, padding not counted': lambda: ended(
        STEM, nn.AvgPool2d(3, 2, padding=1, count_include_pad=False)
    ),
    'shortcut': lambda: ended(STEM, Both(conv(6, 6, padding=1), nn.Identity(), torch.add)),
    'difference': lambda: ended(STEM, Both(conv(6, 6, padding=1), nn.Identity(), torch.sub)),
    'product': lambda: ended(STEM, Both(nn.Sigmoid(), nn.Identity(), torch.mul)),
    'square': lambda: ended(STEM, Apply(lambda x: x * x)),
    'gates of channels': lambda: ended(
        STEM,
        Both(nn.Sequential(nn.AdaptiveAvgPool2d(1), conv(6, 6, 1)), nn.Identity(), torch.mul),
    ),
    'rows joined': lambda: ended(
        STEM,
        Both(conv(6, 6, padding=1), nn.Identity(), lambda a, b: torch.cat([a, b], 1)),
        width=12,
    ),
    'axes exchanged': lambda: ended(STEM, Apply(lambda x: x.transpose(2, 3).relu())),
    'axes squeezed': lambda: ended(
        STEM, Apply(lambda x: x.mean(2).unsqueeze(2).tanh().squeeze(2).unsqueeze(3))
    ),
    'division': lambda: ended(STEM, Apply(lambda x: x / torch.linspace(1, 2, 6)[:, None, None])),
    'features averaged, then weighed': lambda: nn.Sequential(
        STEM, nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, CLASSES)
    ),
    'features averaged, then multiplied and shifted': lambda: nn.Sequential(
        STEM,
        nn.ReLU(),
        Apply(lambda x: x.mean((2, 3)) @ torch.ones(6, CLASSES).tril() + torch.arange(7.0)),
    ),
    'features averaged, then weighed without a bias': lambda: nn.Sequential(
        STEM, nn.ReLU(), Apply(lambda x: x.mean((2, 3))), nn.Linear(6, CLASSES, bias=False)
    ),
}
WITHOUT_MAPS = {
    'all features weighed': lambda: nn.Sequential(
        STEM, nn.MaxPool2d(3, 2), nn.Flatten(), nn.Linear(216, 9), nn.ReLU(), nn.Linear(9, CLASSES)
    ),
}
SHAPE = (1, 13, 14)


def prepared(name):
    torch.manual_seed(len(name))
    make = {**NETWORKS, **WITHOUT_MAPS}[name]
    body = shake(make())
    content = export(body, SHAPE)
    pictures = np.random.default_rng(2).integers(0, 256, (3, *SHAPE)).astype(np.uint8)
    return body, content, pictures


def autograd(body, pictures, targets):
    pixels = torch.from_numpy(pictures).float().requires_grad_()
    scores = body(pixels / 127.5 - 1.0)
    rows = torch.arange(len(pictures))
    return torch.autograd.grad(scores[rows, targets].sum(), pixels)[0].numpy()


@pytest.mark.parametrize('name', [*NETWORKS, *WITHOUT_MAPS])
def test_the_gradient_is_that_of_autograd(name):
    body, content, pictures = prepared(name)
    graph = session(build_saliency_graph(content, spec_of(['emotion'], SHAPE)))
    targets = [5, 0, 3]
    expected = autograd(body, pictures, targets)
    found, maps = run(graph, pictures, {'emotion': targets}, 'gradient')
    assert maps.shape == pictures.shape
    assert relative_error(maps, expected).max() <= 1e-4
    (probabilities,) = session(content).run(None, {'face': pictures})
    assert np.abs(found['emotion'] - probabilities).max() <= 1e-6


def test_every_rule_is_tried_here_or_with_the_architectures():
    tried = {'Dropout', 'Identity', 'GlobalAveragePool', 'MatMul', 'Reshape', 'Gemm'}
    for name in (*NETWORKS, *WITHOUT_MAPS):
        tried |= operators(prepared(name)[1])
    assert set(RULES) <= tried


@pytest.mark.parametrize(
    'pool', [nn.MaxPool2d(3, 2, ceil_mode=True), nn.MaxPool2d(3, 2, padding=1)]
)
@pytest.mark.parametrize('size', [(12, 12), (13, 13), (12, 13), (4, 4), (3, 7)])
def test_of_equal_pixels_the_first_takes_all(pool, size):
    torch.manual_seed(0)
    body = ended(nn.Conv2d(1, 6, 1), pool)
    shape = (1, *size)
    graph = session(build_saliency_graph(export(body, shape), spec_of(['emotion'], shape)))
    random = np.random.default_rng(1)
    flat = np.full(shape, 130)
    stripes = np.broadcast_to(random.integers(0, 3, (1, 1, size[1])) * 90, shape)
    steps = np.broadcast_to(random.integers(0, 3, (1, size[0], 1)) * 90, shape)
    coarse = random.integers(0, 3, shape) * 90
    pictures = np.stack([flat, stripes, steps, coarse]).astype(np.uint8)
    expected = autograd(body, pictures, [0, 1, 2, 3])
    _, maps = run(graph, pictures, {'emotion': [0, 1, 2, 3]}, 'gradient')
    assert relative_error(maps, expected).max() <= 1e-4


@pytest.mark.parametrize(
    'name',
    [
        'features averaged, then weighed',
        'features averaged, then multiplied and shifted',
        'plain convolution',
    ],
)
def test_class_maps_exist_where_scores_are_averages(name):
    _, content, pictures = prepared(name)
    graph = session(build_saliency_graph(content, spec_of(['emotion'], SHAPE)))
    _, maps = run(graph, pictures, {'emotion': [CLASS_MAPS] * 3}, 'gradient')
    assert np.abs(maps).max() > 0


def test_a_network_without_relu_answers_a_shift_of_the_picture_linearly():
    torch.manual_seed(0)
    body = ended(conv(1, 6, padding=1), nn.BatchNorm2d(6), conv(6, 6, groups=6), nn.AvgPool2d(2))
    shake(body)
    content = export(body, SHAPE)
    graph = session(build_saliency_graph(content, spec_of(['emotion'], SHAPE)))
    pictures = np.random.default_rng(2).integers(0, 200, (2, *SHAPE)).astype(np.uint8)
    shifted = pictures + np.uint8(40)
    for target in range(CLASSES):
        _, maps = run(graph, pictures, {'emotion': [target] * 2}, 'guided')
        _, same = run(graph, shifted, {'emotion': [target] * 2}, 'guided')
        assert relative_error(same, maps).max() <= 1e-5
        with torch.no_grad():
            before, after = (
                body(torch.from_numpy(p).float() / 127.5 - 1.0)[:, target].numpy()
                for p in (pictures, shifted)
            )
        assert np.allclose(after - before, 40 * maps.sum((1, 2, 3)), rtol=1e-3, atol=1e-5)


def test_three_channels_give_a_map_of_three():
    torch.manual_seed(0)
    shape = (3, 8, 8)
    body = ended(conv(3, 6, padding=1), nn.ReLU())
    graph = session(build_saliency_graph(export(body, shape), spec_of(['emotion'], shape)))
    pictures = np.random.default_rng(2).integers(0, 256, (2, *shape)).astype(np.uint8)
    _, maps = run(graph, pictures, {'emotion': [1, 2]}, 'gradient')
    assert relative_error(maps, autograd(body, pictures, [1, 2])).max() <= 1e-4


def test_a_graph_that_takes_scaled_numbers_gives_the_gradient_of_those():
    torch.manual_seed(0)
    body = ended(STEM, nn.ReLU())
    content = export(body, SHAPE, dtype=torch.float32, opset=17)
    graph = session(build_saliency_graph(content, spec_of(['emotion'], SHAPE, dtype='float32')))
    pictures = np.random.default_rng(2).random((2, *SHAPE)).astype(np.float32) * 255
    _, maps = run(graph, pictures, {'emotion': [1, 2]}, 'gradient')
    assert relative_error(maps, autograd(body, pictures, [1, 2])).max() <= 1e-4


def test_functional_is_left_as_it_was():
    assert functional.relu(torch.tensor([-1.0, 2.0])).tolist() == [0.0, 2.0]
