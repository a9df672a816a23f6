"""What a detector costs and what shape its answers have."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip('torch')

from drawn_faces import TINY
from rtcnn_perception.core.detection.grid import AnchorGrid
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.models.costs import keras_parameters
from rtcnn_perception.training.models.costs import multiply_accumulates
from rtcnn_perception.training.models.detector import build_detector
from rtcnn_perception.training.models.detector import DETECTOR_ARCHITECTURES
from rtcnn_perception.training.models.detector import FaceNetwork
from rtcnn_perception.training.models.detector import STRIDES

# name, parameters as Keras counts them, multiply-accumulates of a picture 320 wide and 256 high
COUNTS = [('face_cells', 67_373, 56_043_520)]


@pytest.mark.parametrize(('name', 'parameters', 'operations'), COUNTS)
def test_every_detector_costs_what_its_description_says(name, parameters, operations):
    network = build_detector(name)
    assert keras_parameters(network) == parameters
    assert multiply_accumulates(network, (256, 320)) == operations


def test_every_detector_in_the_table_has_its_counts_checked():
    assert {name for name, *_ in COUNTS} == set(DETECTOR_ARCHITECTURES)


def test_every_detector_names_its_source():
    assert all(spec.source for spec in DETECTOR_ARCHITECTURES.values())


@pytest.mark.parametrize('spec', [TINY, *DETECTOR_ARCHITECTURES.values()])
@pytest.mark.parametrize(
    ('size_hw', 'cells'), [((32, 32), 21), ((32, 96), 63), ((64, 32), 42), ((96, 160), 315)]
)
def test_a_detector_gives_a_row_for_each_cell(spec, size_hw, cells):
    outputs = FaceNetwork('any', spec).eval()(torch.zeros(2, 3, *size_hw))
    assert len(AnchorGrid.covering(size_hw, STRIDES)) == cells
    shapes = [tuple(each.shape) for each in outputs]
    assert shapes == [(2, cells), (2, cells, 4), (2, cells, 10)]


def test_without_blocks_a_level_goes_straight_to_its_outputs():
    network = FaceNetwork('any', replace(TINY, head=0)).eval()
    assert network(torch.zeros(1, 3, 32, 32)).score.shape == (1, 21)


@pytest.mark.parametrize('stride', STRIDES)
def test_rows_are_of_the_cells_that_the_pipeline_takes_them_for(stride):
    """Light in one place moves most what is said of the cell of each level that it lies in."""
    torch.manual_seed(0)
    network = FaceNetwork('any', TINY).eval()
    size_hw, (y, x) = (96, 160), (36, 108)
    dark = torch.full((1, 3, *size_hw), -1.0)
    lit = dark.clone()
    lit[..., y - 2 : y + 2, x - 2 : x + 2] = 1.0
    with torch.inference_mode():
        moved = (network(lit).box - network(dark).box).abs().sum(-1)[0]
    cells = AnchorGrid.covering(size_hw, STRIDES)
    of_level = cells.strides[:, 0] == stride
    brightest = int(torch.where(torch.from_numpy(of_level), moved, -1.0).argmax())
    assert (abs(cells.centers[brightest] - [x, y]) <= 1.5 * stride).all()


def test_a_fresh_detector_sees_almost_no_faces():
    torch.manual_seed(0)
    network = FaceNetwork('any', TINY).eval()
    outputs = network(torch.rand(1, 3, 64, 64) * 2 - 1)
    assert outputs.score.sigmoid().max() < 0.05
    assert (outputs.box[..., 2:] > 0).all()  # larger than their cells


def test_an_unknown_detector_is_refused_with_the_known_ones():
    with pytest.raises(ConfigurationError, match=r"'retina'; there are .*face_cells"):
        build_detector('retina')
