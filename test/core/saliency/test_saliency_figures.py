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

"""Figures of every class of a face, of means over many, and of networks with random weights."""

from __future__ import annotations

import numpy as np
import pytest
from rtcnn_perception.core.saliency.figures import class_tiles
from rtcnn_perception.core.saliency.figures import face_picture
from rtcnn_perception.core.saliency.figures import mean_map
from rtcnn_perception.core.saliency.figures import mean_tiles
from rtcnn_perception.core.saliency.figures import rank_correlation
from rtcnn_perception.core.saliency.figures import sanity_tiles
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.saliency.randomised import randomised_models
from rtcnn_perception.saliency.write_graph import write_saliency_graph
from tiny_model import EMOTIONS
from tiny_model import GENDERS
from tiny_model import write_tiny_model

FACES = np.random.default_rng(0).integers(0, 256, (70, 1, 8, 8)).astype(np.uint8)


@pytest.fixture(scope='module')
def model(tmp_path_factory):
    folder = write_tiny_model(
        tmp_path_factory.mktemp('tiny'), {'emotion': EMOTIONS, 'gender': GENDERS}
    )
    write_saliency_graph(folder)
    return SaliencyModel.load(folder)


def test_a_face_is_followed_by_a_map_for_each_class(model):
    tiles = class_tiles(model, 'emotion', FACES[0], method='guided', color_map='turbo')
    assert tiles[0].caption == 'emotion'
    assert [tile.caption.split()[0] for tile in tiles[1:]] == list(EMOTIONS)
    assert all(tile.caption.endswith('%') for tile in tiles[1:])


@pytest.mark.parametrize(('channels', 'first'), [('bgr', 0), ('rgb', 2)])
def test_a_face_in_colour_becomes_bgr(channels, first):
    face = np.arange(12, dtype=np.uint8).reshape(3, 2, 2)
    assert np.array_equal(face_picture(face, channels)[..., 0], face[first])
    assert face_picture(face[:1], 'gray').shape == (2, 2)


def test_the_mean_of_no_faces_is_refused(model):
    with pytest.raises(ValueError, match='none of happy'):
        mean_map(model, 'emotion', FACES[:0], 'happy', method='guided')


@pytest.mark.parametrize('count', [1, 32, 70])
def test_the_mean_map_of_a_linear_model_is_its_own_in_any_batch(model, count):
    mean = mean_map(model, 'emotion', FACES[:count], 'happy', method='gradient')
    (single,) = model.explain(FACES[:1], 'emotion', (3,), 'gradient').maps
    assert np.allclose(mean.values, np.abs(single) / np.abs(single).sum(), atol=1e-6)
    assert np.allclose(mean.face, FACES[:count].mean((0, 1)))
    assert mean.caption == f'happy ({count})'


def test_means_make_three_rows(model):
    assert mean_tiles([], 'turbo') == []
    means = [mean_map(model, 'gender', FACES[:5], label, method='guided') for label in GENDERS]
    rows = mean_tiles(means, 'turbo')
    assert [len(row) for row in rows] == [2, 2, 2]
    assert rows[0][0].caption == 'woman (5)'


def test_rank_correlation_ignores_sign_and_scale():
    values = np.random.default_rng(1).normal(size=(6, 6)).astype(np.float32)
    assert rank_correlation(values, -3 * values) == pytest.approx(1.0)
    assert rank_correlation(values, 1 / values) == pytest.approx(-1.0)
    assert rank_correlation(values, np.zeros_like(values)) == 0.0


def test_places_that_are_equal_correlate_by_nothing():
    """As those of Grad-CAM, which is zero at most of them."""
    random = np.random.default_rng(0)
    first, second = (
        np.where(random.random((64, 64)) < 0.9, 0.0, random.random((64, 64))) for _ in range(2)
    )
    assert abs(rank_correlation(first, second)) < 0.05


def test_networks_with_random_weights_are_compared_with_the_trained_one(model):
    models = randomised_models(model.card)
    assert [name for name, _ in models] == ['trained', 'last third', 'two thirds', 'all layers']
    tiles = sanity_tiles(models, 'emotion', FACES[0], method='gradient', color_map='turbo')
    assert [tile.caption for tile in tiles[:2]] == ['gradient', 'trained']
    assert float(tiles[-1].caption.split()[-1]) < 0.5


def test_the_trained_network_of_the_check_is_the_model_itself(model):
    trained = randomised_models(model.card)[0][1]
    expected = model.explain(FACES[:3], 'gender', (0, 1, 0))
    found = trained.explain(FACES[:3], 'gender', (0, 1, 0))
    assert np.allclose(found.maps, expected.maps)
    assert np.allclose(found.probabilities['gender'], expected.probabilities['gender'])
