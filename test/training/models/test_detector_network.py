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

from __future__ import annotations

from drawn_faces import TINY
import pytest
from rtcnn_perception.core.detection.grid import AnchorGrid
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.detector import build_detector
from rtcnn_perception.training.models.detector import DETECTOR_ARCHITECTURES
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.models.detector import STRIDES
from rtcnn_perception.training.tasks.model_folder import keras_parameters
from rtcnn_perception.training.tasks.model_folder import multiply_accumulates
import torch

# name, parameters as Keras counts them, multiply-accumulates of a picture 320 wide and 256 high
COUNTS = [('face_dense', 636_765, 254_231_040)]


@pytest.mark.parametrize(('name', 'parameters', 'operations'), COUNTS)
def test_every_detector_costs_what_its_description_says(name, parameters, operations):
    network = build_detector(name)
    assert keras_parameters(network) == parameters
    assert multiply_accumulates(network, (3, 256, 320)) == operations


def test_every_detector_in_the_table_has_its_counts_checked():
    assert {name for name, *_ in COUNTS} == set(DETECTOR_ARCHITECTURES)


def test_every_detector_names_its_source():
    assert all(spec.source for spec in DETECTOR_ARCHITECTURES.values())


@pytest.mark.parametrize('spec', [TINY, *DETECTOR_ARCHITECTURES.values()])
@pytest.mark.parametrize(
    ('size_hw', 'anchors'), [((32, 32), 21), ((32, 96), 63), ((64, 32), 42), ((96, 160), 315)]
)
def test_a_detector_gives_a_row_for_each_anchor(spec, size_hw, anchors):
    outputs = FaceNetwork('any', spec).eval()(torch.zeros(2, 3, *size_hw))
    assert len(AnchorGrid.covering(size_hw, STRIDES).points) == anchors
    shapes = [tuple(each.shape) for each in outputs]
    assert shapes == [(2, anchors), (2, anchors, 4), (2, anchors, 10)]


@pytest.mark.parametrize('stride', STRIDES)
def test_rows_are_in_the_order_of_the_pipelines_anchors(stride):
    """Light in one place changes most the prediction at the nearest anchor of each level."""
    torch.manual_seed(0)
    network = FaceNetwork('any', TINY).eval()
    size_hw, (y, x) = (96, 160), (36, 108)
    dark = torch.full((1, 3, *size_hw), -1.0)
    lit = dark.clone()
    lit[..., y - 2 : y + 2, x - 2 : x + 2] = 1.0
    with torch.inference_mode():
        moved = (network(lit).box - network(dark).box).abs().sum(-1)[0]
    grid = AnchorGrid.covering(size_hw, STRIDES)
    of_level = grid.strides[:, 0] == stride
    brightest = int(torch.where(torch.from_numpy(of_level), moved, -1.0).argmax())
    assert (abs(grid.points[brightest] - [x, y]) <= 1.5 * stride).all()


def test_an_untrained_detector_finds_almost_no_faces():
    torch.manual_seed(0)
    network = FaceNetwork('any', TINY).eval()
    outputs = network(torch.rand(1, 3, 64, 64) * 2 - 1)
    assert outputs.score.sigmoid().max() < 0.05
    assert (outputs.box[..., 2:] > 0).all()  # larger than a stride


def test_an_unknown_detector_is_refused_with_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"'retina'; there are .*face_dense"):
        build_detector('retina')
