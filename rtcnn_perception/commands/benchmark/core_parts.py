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

"""The parts of the benchmark that need no ROS: the stages of the pipeline, in one thread."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from dataclasses import replace
from functools import partial
import math

import cv2
from rtcnn_perception.commands.benchmark.inputs import BenchmarkConfig
from rtcnn_perception.commands.benchmark.inputs import crowd_clip
from rtcnn_perception.commands.benchmark.inputs import Inputs
from rtcnn_perception.commands.benchmark.inputs import ReportProgress
from rtcnn_perception.commands.benchmark.inputs import SHIPPED
from rtcnn_perception.commands.benchmark.sections import Section
from rtcnn_perception.commands.benchmark.sections import Target
from rtcnn_perception.commands.benchmark.sections import with_range
from rtcnn_perception.commands.benchmark.strategies import compare
from rtcnn_perception.commands.benchmark.strategies import Cost
from rtcnn_perception.commands.benchmark.strategies import detector_alone
from rtcnn_perception.commands.benchmark.strategies import EachStage
from rtcnn_perception.commands.benchmark.strategies import OriginalStrategy
from rtcnn_perception.commands.benchmark.strategies import PackageStrategy
from rtcnn_perception.commands.benchmark.strategies import Strategy
from rtcnn_perception.commands.benchmark.strategies import TOTAL
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import model_paths
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.models.precision import AUTO

CROWDS = (1, 4, 16)
ORIGINAL = 'the original'


def strategies(
    inputs: Inputs, config: BenchmarkConfig, report_progress: ReportProgress
) -> Section:
    """Compare with the original implementation, for few and for many faces."""
    cv2.setNumThreads(1)
    models = _models(inputs)
    classifier = AttributeClassifier(models)
    makers: dict[str, Callable[[], Strategy]] = {
        ORIGINAL: lambda: OriginalStrategy([*models.values()]),
        **{
            f'this package, {each.name}': partial(_package_strategy, inputs, each.name, classifier)
            for each in inputs.detectors
        },
    }
    rows, raw = [], {}
    for number, faces in enumerate(CROWDS):
        report_progress(_counted(faces), number / len(CROWDS))
        costs = compare(makers, crowd_clip(faces, config.stage_frames), config.repeats)
        raw[str(faces)] = {name: asdict(cost) for name, cost in costs.items()}
        before = costs[ORIGINAL].median_ms[TOTAL]
        for name, cost in costs.items():
            cells = [_cell(cost, key) for key in ('detect', 'track', 'classify', TOTAL)]
            ratio = f'{before / cost.median_ms[TOTAL]:.1f}'
            rows.append((str(faces), name, *cells, ratio, f'{cost.faces:.1f}'))
    return Section(
        'Beside the original implementation',
        columns=(
            'faces',
            'strategy',
            'detect [ms]',
            'track [ms]',
            'classify [ms]',
            'a frame [ms]',
            'times faster',
            'faces classified',
        ),
        rows=tuple(rows),
        notes=(
            'One thread, 640x480, the same frames and networks for all. The original runs Haar '
            'over the whole frame, then a network for each attribute of each face, a run each; it '
            'has no tracker and smooths over one buffer for all faces. Here classification also '
            'rates the quality and smooths, and it overlaps with the detection of the next frame.',
            *inputs.left_out,
        ),
        raw=raw,
    )


def detectors(inputs: Inputs, config: BenchmarkConfig, report_progress: ReportProgress) -> Section:
    """Compare the detectors alone, from a frame to boxes."""
    cv2.setNumThreads(1)
    report_progress(_counted(1), 0.0)
    names = [each.name for each in inputs.detectors]
    makers: dict[str, Callable[[], Strategy]] = {
        name: partial(_detector_alone, inputs, name) for name in names
    }
    costs = compare(makers, crowd_clip(1, config.stage_frames), config.repeats)
    yunet = costs['yunet'].median_ms[TOTAL] if 'yunet' in costs else math.nan
    shares = {name: cost.median_ms[TOTAL] / yunet for name, cost in costs.items()}
    targets = []
    if 'yunet' in shares and SHIPPED in shares:
        ours = shares[SHIPPED]
        target = Target(f"{SHIPPED}: at most half of YuNet's time", f'{ours:.2f}', ours <= 0.5)
        targets.append(target)
    return Section(
        'From a frame to boxes',
        columns=('detector', 'width [px]', 'a frame [ms]', "of YuNet's time", 'faces found'),
        rows=tuple(
            (
                name,
                str(DETECTORS[name].default_width),
                _cell(cost, TOTAL),
                '-' if math.isnan(yunet) else f'{shares[name]:.2f}',
                f'{cost.faces:.1f}',
            )
            for name, cost in costs.items()
        ),
        notes=(
            'One thread, 640x480 scaled down to the width, one face; the detectors take turns.',
            *inputs.left_out,
        ),
        targets=tuple(targets),
        raw={name: asdict(cost) for name, cost in costs.items()},
    )


def steps(inputs: Inputs, config: BenchmarkConfig, report_progress: ReportProgress) -> Section:
    """Measure every step by itself."""
    cv2.setNumThreads(1)
    models = _models(inputs)
    name = inputs.detectors[0].name
    detector = _detector(inputs, name)
    costs = {}
    for number, faces in enumerate(CROWDS):
        report_progress(_counted(faces), number / len(CROWDS))
        clip = crowd_clip(faces, config.stage_frames)
        found = compare({'steps': lambda: EachStage(detector, models)}, clip, config.repeats)
        costs[faces] = found['steps']
    keys = [key for key in costs[1].median_ms if key != TOTAL]
    return Section(
        'Time of each step',
        columns=('step', *(f'{_counted(number)} [ms]' for number in CROWDS)),
        rows=tuple((key, *(_cell(costs[number], key) for number in CROWDS)) for key in keys),
        notes=(f'One thread, 640x480, in ms a frame; the detector is {name}.',),
        raw={str(number): asdict(cost) for number, cost in costs.items()},
    )


def _models(inputs: Inputs) -> dict[str, AttributeModel]:
    """Load the model of each attribute; one that classifies several is loaded once."""
    paths = model_paths(inputs.attributes, {}, inputs.models)
    loaded = {path: AttributeModel.load(path, precision=AUTO) for path in set(paths.values())}
    return {name: loaded[path] for name, path in paths.items()}


def _package_strategy(inputs: Inputs, detector: str, classifier: AttributeClassifier) -> Strategy:
    return PackageStrategy(_detector(inputs, detector), classifier)


def _detector_alone(inputs: Inputs, name: str) -> Strategy:
    return detector_alone(_detector(inputs, name, DETECTORS[name].default_width))


def _detector(inputs: Inputs, name: str, width: int = 0) -> Detector:
    return load_detector(replace(inputs.detector(name), width=width), ()).detector


def _counted(faces: int) -> str:
    return f'{faces} face{"" if faces == 1 else "s"}'


def _cell(cost: Cost, key: str) -> str:
    if key not in cost.median_ms:
        return '-'
    low, high = cost.range_ms[key]
    return with_range([low, cost.median_ms[key], high], 2)
