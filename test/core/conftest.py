"""The research data, where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rtcnn_perception.core.detection.registry import RTCNN_MODEL
from rtcnn_perception.core.detection.yunet import why_opencv_cannot_run_yunet
from rtcnn_perception.resources import models_directory

_BESIDE = Path(__file__).resolve().parents[2].parent / 'shared' / 'data'


@pytest.fixture(scope='session')
def data_directory() -> Path:
    data = Path(os.environ.get('RTCNN_DATA') or _BESIDE)
    if not data.is_dir():
        pytest.skip(f'there is no research data at {data}; RTCNN_DATA may name the folder')
    return data


@pytest.fixture(scope='session')
def yunet_file(data_directory: Path) -> Path:
    obstacle = why_opencv_cannot_run_yunet()
    if obstacle:
        pytest.skip(obstacle)
    baselines = Path(os.environ.get('RTCNN_BASELINES') or data_directory.parent / 'baselines')
    path = baselines / 'yunet' / 'face_detection_yunet_2023mar.onnx'
    if not path.is_file():
        pytest.skip(f'there is no {path}; RTCNN_BASELINES may name the folder')
    return path


@pytest.fixture(scope='session')
def face_model() -> Path:
    """Return the model of the detector rtcnn that comes with the package."""
    return models_directory() / RTCNN_MODEL
