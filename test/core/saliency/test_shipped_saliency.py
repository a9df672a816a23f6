"""Every model of attributes that ships shows what it looks at."""

from pathlib import Path

import numpy as np
import pytest
from rtcnn_perception.core.detection.registry import RTCNN_MODEL
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import TOP

MODELS = sorted(
    path
    for path in (Path(__file__).parents[3] / 'models').glob('*/model.onnx')
    if path.parent.name != RTCNN_MODEL
)


@pytest.mark.parametrize('path', MODELS, ids=lambda path: path.parent.name)
def test_a_shipped_model_maps_each_of_its_attributes_by_every_method(path):
    model = SaliencyModel.load(path)
    faces = np.random.default_rng(0).integers(0, 256, (2, *model.spec.input_shape))
    for attribute in model.spec.attributes:
        for method in METHODS:
            explained = model.explain(faces.astype(np.uint8), attribute, (TOP, 0), method)
            assert np.isfinite(explained.maps).all()
        assert explained.probabilities[attribute].shape[0] == 2
