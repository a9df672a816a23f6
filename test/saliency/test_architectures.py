"""Every network of the package, every method and rule, against PyTorch's autograd."""

import functools

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='the training extra (PyTorch) is not installed')
pytest.importorskip('onnx', reason='the training extra (onnx) is not installed')

from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from rtcnn_perception.training.architectures import ARCHITECTURES
from rtcnn_perception.training.architectures import build_network
from rtcnn_perception.training.onnx_graph import to_onnx
from saliency_reference import GuidedRelu
from saliency_reference import LABELS
from saliency_reference import margins_recorded
from saliency_reference import objective
from saliency_reference import relative_error
from saliency_reference import relu_replaced
from saliency_reference import run
from saliency_reference import session
from saliency_reference import shake
from saliency_reference import spec_of
from saliency_reference import TEMPERATURE

HEADS = {'single': ('emotion',), 'blended': ('emotion', 'gender')}
BLENDED = ('mini_xception', 'compact_resnet')
CASES = [(name, 'single') for name in ARCHITECTURES] + [(name, 'blended') for name in BLENDED]
RULES = {'top': TOP, 'class': 2, 'class maps': CLASS_MAPS}
FACES = 8
TOLERANCE = 1e-4


@functools.cache
def tried(name, kind):
    """Return a network, its graph and the same with a way back, and pictures to try them on."""
    heads = HEADS[kind]
    torch.manual_seed(1)
    network = shake(build_network(name, {head: len(LABELS[head]) for head in heads}))
    content, _ = to_onnx(network, dict.fromkeys(heads, TEMPERATURE), half=False)
    shape = (network.spec.channels, *network.spec.input_hw)
    graph = build_saliency_graph(content, spec_of(heads, shape))
    return network, session(content), session(graph), clear_pictures(network, shape)


def clear_pictures(network, shape):
    """
    Return those of many pictures for which decisions hang least on rounding.

    Where two pixels of a window are as large to within the last digit, either may take the
    gradient, and PyTorch itself gives another answer with another order of summation.
    """
    random = np.random.default_rng(3)
    pictures = random.integers(0, 256, (6 * FACES, *shape)).astype(np.uint8)
    margins = []
    with torch.no_grad(), margins_recorded(margins):
        network(scaled(pictures))
    clearest = torch.stack(margins).amin(0).argsort(descending=True)
    return pictures[clearest[:FACES].numpy()]


def scaled(pictures):
    return torch.from_numpy(pictures).float() * (2.0 / 255.0) - 1.0


def autograd(network, pictures, head, target, method):
    """Return the map as PyTorch has it, and for Grad-CAM before what is below 0 is cut off."""
    seen = {}
    layer = network.heads[head]
    hooks = [
        network.hidden.register_forward_hook(
            lambda _module, _inputs, out: seen.update(features=out)
        ),
        layer.register_forward_hook(lambda _module, _inputs, out: seen.update(maps=out)),
    ]
    pixels = torch.from_numpy(pictures).float().requires_grad_()
    with relu_replaced(GuidedRelu.apply if method == 'guided' else torch.relu):
        scores = network(pixels * (2.0 / 255.0) - 1.0)[head]
    for hook in hooks:
        hook.remove()
    maps = seen['maps']
    if maps.ndim == 2:
        maps = torch.einsum('kc,nchw->nkhw', layer.weight, seen['features'])
        maps = maps + layer.bias[None, :, None, None]
    value = objective(scores, maps, [target] * len(pictures))
    if method != 'grad_cam':
        return 2 * (torch.autograd.grad(value, pixels)[0].numpy(),)
    (gradient,) = torch.autograd.grad(value, seen['features'])
    weighed = (
        (gradient.mean((2, 3), keepdim=True) * seen['features']).sum(1, keepdim=True).detach()
    )
    return weighed.relu().numpy(), weighed.numpy()


@pytest.mark.parametrize(('name', 'kind'), CASES)
@pytest.mark.parametrize('method', METHODS)
@pytest.mark.parametrize('rule', RULES)
def test_maps_are_those_of_autograd_at_batch_1_and_8(name, kind, method, rule):
    network, _, graph, pictures = tried(name, kind)
    for head in HEADS[kind]:
        target = min(RULES[rule], len(LABELS[head]) - 1)
        expected, scale = autograd(network, pictures, head, target, method)
        assert np.abs(scale).max() > 0
        _, maps = run(graph, pictures, {head: [target] * FACES}, method, HEADS[kind])
        assert maps.shape == expected.shape
        assert relative_error(maps, expected, scale).max() <= TOLERANCE
        _, maps = run(graph, pictures[:1], {head: [target]}, method, HEADS[kind])
        assert relative_error(maps, expected[:1], scale[:1]).max() <= TOLERANCE


@pytest.mark.parametrize(('name', 'kind'), CASES)
def test_probabilities_are_those_of_the_graph_it_was_made_of(name, kind):
    _, source, graph, pictures = tried(name, kind)
    expected = source.run(list(HEADS[kind]), {'face': pictures})
    for method in METHODS:
        found, _ = run(graph, pictures, {'emotion': [TOP] * FACES}, method, HEADS[kind])
        for head, rows in zip(HEADS[kind], expected, strict=True):
            assert np.abs(found[head] - rows).max() <= 1e-6


@pytest.mark.parametrize(('name', 'kind'), CASES)
def test_the_plain_rule_is_the_finite_difference(name, kind):
    network, _, graph, pictures = tried(name, kind)
    head = HEADS[kind][-1]
    _, maps = run(graph, pictures[:1], {head: [1]}, 'gradient', HEADS[kind])
    precise = build_network(name, dict(network.classes)).double().eval()
    precise.load_state_dict(network.state_dict())
    step = 1e-5  # of a grey level: small enough to cross no kink, large enough for a double
    places = np.random.default_rng(5).integers(0, maps.shape[-1], (24, 2))
    base = torch.from_numpy(pictures[:1]).double()
    moved = base.repeat(2 * len(places), 1, 1, 1)
    for number, (row, column) in enumerate(places):
        moved[2 * number, 0, row, column] += step
        moved[2 * number + 1, 0, row, column] -= step
    with torch.no_grad():
        scores = precise(moved * (2.0 / 255.0) - 1.0)[head][:, 1].numpy()
    differences = (scores[::2] - scores[1::2]) / (2 * step)
    found = maps[0, 0, places[:, 0], places[:, 1]]
    assert np.abs(found - differences).max() <= TOLERANCE * np.abs(maps).max()


def test_rules_may_differ_from_face_to_face():
    _, _, graph, pictures = tried('mini_xception', 'single')
    targets = [TOP, 0, CLASS_MAPS, 6]
    _, mixed = run(graph, pictures[:4], {'emotion': targets}, 'guided')
    for row, target in enumerate(targets):
        _, alone = run(graph, pictures[row : row + 1], {'emotion': [target]}, 'guided')
        assert relative_error(mixed[row : row + 1], alone).max() <= 1e-5


def test_a_head_that_is_not_asked_leaves_no_trace():
    _, _, graph, pictures = tried('mini_xception', 'blended')
    _, nothing = run(graph, pictures, {}, 'gradient', HEADS['blended'])
    assert not nothing.any()
    _, emotion = run(graph, pictures, {'emotion': [0] * FACES}, 'gradient', HEADS['blended'])
    _, gender = run(graph, pictures, {'gender': [0] * FACES}, 'gradient', HEADS['blended'])
    both = {'emotion': [0] * FACES, 'gender': [0] * FACES}
    _, together = run(graph, pictures, both, 'gradient', HEADS['blended'])
    assert relative_error(together, emotion + gender).max() <= 1e-5


def test_guided_maps_differ_from_plain_ones():
    _, _, graph, pictures = tried('mini_xception', 'single')
    _, guided = run(graph, pictures, {'emotion': [0] * FACES}, 'guided')
    _, plain = run(graph, pictures, {'emotion': [0] * FACES}, 'gradient')
    assert relative_error(guided, plain).min() > 0.1
