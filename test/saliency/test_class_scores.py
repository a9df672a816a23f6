import numpy as np
import pytest

pytest.importorskip('torch', reason='the training extra (PyTorch) is not installed')
pytest.importorskip('onnx', reason='the training extra (onnx) is not installed')

from rtcnn_perception.core.saliency.names import CLASS_MAPS
from rtcnn_perception.saliency.saliency_graph import build_saliency_graph
from saliency_reference import card_of
from saliency_reference import run
from saliency_reference import session
from small_networks import assert_gradient_is_that_of_autograd
from small_networks import AVERAGED_FEATURES
from small_networks import CONVOLUTIONS
from small_networks import exported
from small_networks import images
from small_networks import SHAPE


@pytest.mark.parametrize('name', AVERAGED_FEATURES)
def test_the_gradient_of_weighed_averages_is_that_of_autograd(name):
    assert_gradient_is_that_of_autograd(AVERAGED_FEATURES[name], name)


@pytest.mark.parametrize(
    ('networks', 'name', 'has_maps'),
    [
        (AVERAGED_FEATURES, 'features averaged, then weighed', True),
        (AVERAGED_FEATURES, 'features averaged, then multiplied and shifted', True),
        (CONVOLUTIONS, 'plain', True),
        (CONVOLUTIONS, 'dense layers of all features', False),
    ],
)
def test_class_maps_exist_where_scores_are_averages(networks, name, has_maps):
    _, content = exported(networks[name], name)
    graph = session(build_saliency_graph(content, card_of(['emotion'], SHAPE)))
    _, maps = run(graph, images(), {'emotion': [CLASS_MAPS] * 3}, 'gradient')
    assert (np.abs(maps).max() > 0) == has_maps
