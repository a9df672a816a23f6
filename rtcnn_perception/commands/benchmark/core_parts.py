"""The parts of the benchmark that need no ROS: the pipeline's steps, in one thread."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
import math

import cv2
from rtcnn_perception.commands.benchmark.effort import Effort
from rtcnn_perception.commands.benchmark.effort import Tell
from rtcnn_perception.commands.benchmark.inputs import Inputs
from rtcnn_perception.commands.benchmark.inputs import SHIPPED
from rtcnn_perception.commands.benchmark.scenes import crowd_clip
from rtcnn_perception.commands.benchmark.sections import Section
from rtcnn_perception.commands.benchmark.sections import Target
from rtcnn_perception.commands.benchmark.sections import with_range
from rtcnn_perception.commands.benchmark.stages import compare
from rtcnn_perception.commands.benchmark.stages import Cost
from rtcnn_perception.commands.benchmark.stages import DetectorAlone
from rtcnn_perception.commands.benchmark.stages import EachStage
from rtcnn_perception.commands.benchmark.stages import OriginalWay
from rtcnn_perception.commands.benchmark.stages import PackageWay
from rtcnn_perception.commands.benchmark.stages import TOTAL
from rtcnn_perception.commands.benchmark.stages import Way
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import FaceModel
from rtcnn_perception.core.detection.registry import Detector
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.labels import ATTRIBUTES

CROWDS = (1, 4, 16)

WIDTHS: Mapping[str, int] = {SHIPPED: 320, 'yunet': 320, 'haar': 640}
"""Pixels at which the detectors are compared: networks at the same, Haar at its default."""


def ways(inputs: Inputs, effort: Effort, tell: Tell) -> Section:
    """Compare with the original's way of working, for few and for many faces."""
    cv2.setNumThreads(1)
    emotion, gender = (FaceModel.load(inputs.model(name)) for name in ATTRIBUTES)
    classifier = AttributeClassifier({'emotion': emotion, 'gender': gender})
    makers: dict[str, Callable[[], Way]] = {
        'the original way': lambda: OriginalWay(emotion, gender),
        **{
            f'this package, {name}': partial(_package_way, inputs, name, classifier)
            for name in inputs.detectors
        },
    }
    rows, raw = [], {}
    for number, faces in enumerate(CROWDS):
        tell(f'{faces} face{"" if faces == 1 else "s"}', number / len(CROWDS))
        costs = compare(makers, crowd_clip(faces, effort.stage_frames), effort.repeats)
        raw[str(faces)] = {name: asdict(cost) for name, cost in costs.items()}
        before = costs['the original way'].median_ms[TOTAL]
        for name, cost in costs.items():
            cells = [_cell(cost, key) for key in ('detect', 'track', 'classify', TOTAL)]
            ratio = f'{before / cost.median_ms[TOTAL]:.1f}'
            rows.append((str(faces), name, *cells, ratio, f'{cost.faces:.1f}'))
    return Section(
        "Beside the original's way of working",
        columns=(
            'faces',
            'way',
            'detect [ms]',
            'track [ms]',
            'classify [ms]',
            'a frame [ms]',
            'times faster',
            'faces judged',
        ),
        rows=tuple(rows),
        notes=(
            'One thread, 640x480, the same frames and networks for all. The original way is Haar '
            'over the whole frame, then one call of each network for each face; it follows nobody '
            'and smooths over one buffer for all. Here classification also rates the crop and '
            'smooths, and it overlaps with the detection of the next frame.',
            *inputs.left_out,
        ),
        raw=raw,
    )


def detectors(inputs: Inputs, effort: Effort, tell: Tell) -> Section:
    """Compare the detectors alone, from a frame to boxes."""
    cv2.setNumThreads(1)
    tell('one face', 0.0)
    makers: dict[str, Callable[[], Way]] = {
        name: partial(_detector_alone, inputs, name) for name in inputs.detectors
    }
    costs = compare(makers, crowd_clip(1, effort.stage_frames), effort.repeats)
    yunet = costs['yunet'].median_ms[TOTAL] if 'yunet' in costs else math.nan
    shares = {name: cost.median_ms[TOTAL] / yunet for name, cost in costs.items()}
    ours = shares[SHIPPED]
    target = Target(f"{SHIPPED}: at most half of YuNet's time", f'{ours:.2f}', ours <= 0.5)
    return Section(
        'From a frame to boxes',
        columns=('detector', 'width [px]', 'a frame [ms]', "of YuNet's time", 'faces found'),
        rows=tuple(
            (
                name,
                str(WIDTHS[name]),
                _cell(cost, TOTAL),
                f'{shares[name]:.2f}' if inputs.yunet else '-',
                f'{cost.faces:.1f}',
            )
            for name, cost in costs.items()
        ),
        notes=(
            'One thread, 640x480 scaled down to the width, one face; the detectors take turns.',
            *inputs.left_out,
        ),
        targets=(target,) if inputs.yunet else (),
        raw={name: asdict(cost) for name, cost in costs.items()},
    )


def steps(inputs: Inputs, effort: Effort, tell: Tell) -> Section:
    """Measure every step by itself."""
    cv2.setNumThreads(1)
    models = {name: FaceModel.load(inputs.model(name)) for name in ATTRIBUTES}
    detector = _detector(inputs, SHIPPED)
    costs = {}
    for number, faces in enumerate(CROWDS):
        tell(f'{faces} face{"" if faces == 1 else "s"}', number / len(CROWDS))
        clip = crowd_clip(faces, effort.stage_frames)
        found = compare({'steps': lambda: EachStage(detector, models)}, clip, effort.repeats)
        costs[faces] = found['steps']
    keys = [key for key in costs[1].median_ms if key != TOTAL]
    return Section(
        'Cost of each step',
        columns=('step', *(f'{n} face{"" if n == 1 else "s"} [ms]' for n in CROWDS)),
        rows=tuple((key, *(_cell(costs[n], key) for n in CROWDS)) for key in keys),
        notes=(f'One thread, 640x480, in ms a frame; {SHIPPED} finds the faces.',),
        raw={str(n): asdict(cost) for n, cost in costs.items()},
    )


def _package_way(inputs: Inputs, detector: str, classifier: AttributeClassifier) -> Way:
    return PackageWay(_detector(inputs, detector), classifier)


def _detector_alone(inputs: Inputs, name: str) -> Way:
    return DetectorAlone(_detector(inputs, name, WIDTHS[name]))


def _detector(inputs: Inputs, name: str, width: int = 0) -> Detector:
    config = DetectorConfig(name=name, model_path=inputs.detector_file(name), width=width)
    return load_detector(config, ()).detector


def _cell(cost: Cost, key: str) -> str:
    if key not in cost.median_ms:
        return '-'
    low, high = cost.range_ms[key]
    return with_range([low, cost.median_ms[key], high], 2)
