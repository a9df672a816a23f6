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

"""Every architecture of the package, every method and target, against PyTorch's autograd."""

import functools

import numpy as np
import pytest
from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from rtcnn_perception.training.models.architectures import ARCHITECTURES
from rtcnn_perception.training.models.architectures import build_network
from rtcnn_perception.training.models.onnx_export import INPUT_NAME
from rtcnn_perception.training.models.onnx_export import to_onnx
from saliency_reference import card_of
from saliency_reference import GuidedRelu
from saliency_reference import initialise
from saliency_reference import LABELS
from saliency_reference import margins_recorded
from saliency_reference import objective
from saliency_reference import relative_error
from saliency_reference import relu_replaced
from saliency_reference import run
from saliency_reference import session
from saliency_reference import TEMPERATURE
import torch

HEADS = {'single': ('emotion',), 'several': ('emotion', 'gender')}
OF_SEVERAL = ('mini_xception', 'slim_resnet')
CASES = [(name, 'single') for name in ARCHITECTURES] + [(name, 'several') for name in OF_SEVERAL]
TARGETS = (TOP, 2, CLASS_MAPS)
FACES = 8
TOLERANCE = 1e-4


@functools.cache
def graphs_of(name, kind):
    """Return a network, its graph, its saliency graph, and images to run them on."""
    heads = HEADS[kind]
    torch.manual_seed(1)
    network = initialise(build_network(name, {head: len(LABELS[head]) for head in heads}))
    content, _ = to_onnx(network, dict.fromkeys(heads, TEMPERATURE), half=False)
    shape = (network.spec.channels, *network.spec.input_hw)
    graph = build_saliency_graph(content, card_of(heads, shape))
    return network, session(content), session(graph), clear_images(network, shape)


def clear_images(network, shape):
    """
    Return those of many images for which decisions depend least on rounding.

    Where two pixels of a window are equal to within the last digit, either may take the gradient,
    and PyTorch itself gives another map with another order of summation.
    """
    random = np.random.default_rng(3)
    images = random.integers(0, 256, (6 * FACES, *shape)).astype(np.uint8)
    margins = []
    with torch.no_grad(), margins_recorded(margins):
        network(scaled(images))
    clearest = torch.stack(margins).amin(0).argsort(descending=True)
    return images[clearest[:FACES].numpy()]


def scaled(images):
    return torch.from_numpy(images).float() * (2.0 / 255.0) - 1.0


def autograd(network, images, head, target, method):
    """Return the map as PyTorch computes it, and for Grad-CAM before values below 0 are cut."""
    outputs = {}
    layer = network.heads[head]
    hooks = [
        network.blocks.register_forward_hook(
            lambda _module, _inputs, out: outputs.update(features=out)
        ),
        layer.register_forward_hook(lambda _module, _inputs, out: outputs.update(maps=out)),
    ]
    pixels = torch.from_numpy(images).float().requires_grad_()
    with relu_replaced(GuidedRelu.apply if method == 'guided' else torch.relu):
        scores = network(pixels * (2.0 / 255.0) - 1.0)[head]
    for hook in hooks:
        hook.remove()
    maps = outputs['maps']
    if maps.ndim == 2:
        maps = torch.einsum('kc,nchw->nkhw', layer.weight, outputs['features'])
        maps = maps + layer.bias[None, :, None, None]
    value = objective(scores, maps, [target] * len(images))
    if method != 'grad_cam':
        return 2 * (torch.autograd.grad(value, pixels)[0].numpy(),)
    (gradient,) = torch.autograd.grad(value, outputs['features'])
    weighed = (
        (gradient.mean((2, 3), keepdim=True) * outputs['features']).sum(1, keepdim=True).detach()
    )
    return weighed.relu().numpy(), weighed.numpy()


@pytest.mark.parametrize(('name', 'kind'), CASES)
def test_maps_are_those_of_autograd_at_batch_1_and_8(name, kind):
    network, _, graph, images = graphs_of(name, kind)
    for method in METHODS:
        for head in HEADS[kind]:
            for target in (min(each, len(LABELS[head]) - 1) for each in TARGETS):
                case = (method, head, target)
                expected, scale = autograd(network, images, head, target, method)
                assert np.abs(scale).max() > 0, case
                _, maps = run(graph, images, {head: [target] * FACES}, method, HEADS[kind])
                assert maps.shape == expected.shape, case
                assert relative_error(maps, expected, scale).max() <= TOLERANCE, case
                _, maps = run(graph, images[:1], {head: [target]}, method, HEADS[kind])
                assert relative_error(maps, expected[:1], scale[:1]).max() <= TOLERANCE, case


@pytest.mark.parametrize(('name', 'kind'), CASES)
def test_probabilities_are_those_of_the_network(name, kind):
    _, source, graph, images = graphs_of(name, kind)
    expected = source.run(list(HEADS[kind]), {INPUT_NAME: images})
    for method in METHODS:
        found, _ = run(graph, images, {'emotion': [TOP] * FACES}, method, HEADS[kind])
        for head, rows in zip(HEADS[kind], expected, strict=True):
            assert np.abs(found[head] - rows).max() <= 1e-6, (method, head)


@pytest.mark.parametrize(('name', 'kind'), CASES)
def test_the_plain_gradient_is_the_finite_difference(name, kind):
    network, _, graph, images = graphs_of(name, kind)
    head = HEADS[kind][-1]
    _, maps = run(graph, images[:1], {head: [1]}, 'gradient', HEADS[kind])
    precise = build_network(name, dict(network.classes)).double().eval()
    precise.load_state_dict(network.state_dict())
    step = 1e-5  # of a gray level: small enough to cross no kink, large enough for a double
    places = np.random.default_rng(5).integers(0, maps.shape[-1], (24, 2))
    base = torch.from_numpy(images[:1]).double()
    moved = base.repeat(2 * len(places), 1, 1, 1)
    for number, (row, column) in enumerate(places):
        moved[2 * number, 0, row, column] += step
        moved[2 * number + 1, 0, row, column] -= step
    with torch.no_grad():
        scores = precise(moved * (2.0 / 255.0) - 1.0)[head][:, 1].numpy()
    differences = (scores[::2] - scores[1::2]) / (2 * step)
    found = maps[0, 0, places[:, 0], places[:, 1]]
    assert np.abs(found - differences).max() <= TOLERANCE * np.abs(maps).max()


def test_guided_maps_differ_from_plain_ones():
    _, _, graph, images = graphs_of('mini_xception', 'single')
    _, guided = run(graph, images, {'emotion': [0] * FACES}, 'guided')
    _, plain = run(graph, images, {'emotion': [0] * FACES}, 'gradient')
    assert relative_error(guided, plain).min() > 0.1


def test_targets_may_differ_from_face_to_face():
    _, _, graph, images = graphs_of('mini_xception', 'single')
    targets = [TOP, 0, CLASS_MAPS, 6]
    _, mixed = run(graph, images[:4], {'emotion': targets}, 'guided')
    for row, target in enumerate(targets):
        _, alone = run(graph, images[row : row + 1], {'emotion': [target]}, 'guided')
        assert relative_error(mixed[row : row + 1], alone).max() <= 1e-5, target


def test_a_head_without_a_target_adds_nothing():
    _, _, graph, images = graphs_of('mini_xception', 'several')
    _, nothing = run(graph, images, {}, 'gradient', HEADS['several'])
    assert not nothing.any()
    _, emotion = run(graph, images, {'emotion': [0] * FACES}, 'gradient', HEADS['several'])
    _, gender = run(graph, images, {'gender': [0] * FACES}, 'gradient', HEADS['several'])
    both = {'emotion': [0] * FACES, 'gender': [0] * FACES}
    _, together = run(graph, images, both, 'gradient', HEADS['several'])
    assert relative_error(together, emotion + gender).max() <= 1e-5
