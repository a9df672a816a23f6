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

"""
Measure the cost of saliency maps: the graph by itself, and in the whole pipeline.

Everything runs on one thread, in turns, in one process; medians are compared, so that a busy
machine slows all alike.

    python benchmarks/saliency.py [MODEL ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from collections.abc import Mapping
import functools
import importlib
import importlib.util
from pathlib import Path
import statistics
import time

import numpy as np
from rtcnn_perception.core.attributes.card import AttributeCard
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import DEFAULT_ATTRIBUTES
from rtcnn_perception.core.attributes.classifier import model_paths
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.models.session import open_session
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.saliency.explanation import explain_faces
from rtcnn_perception.core.saliency.explanation import load_saliency_models
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import METHOD_INPUT
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.core.saliency.names import SALIENCY_NAME
from rtcnn_perception.core.saliency.names import target_input
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.core.saliency.overlay import blend
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.files import read_bytes
from rtcnn_perception.resources import models_search_path

ROUNDS, WARM_UP = 600, 30
FRAMES = 150
CALLS = 5000
SECOND_NS = 1_000_000_000


def medians_ms(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median time of each call, all in turns."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for number in range(rounds + WARM_UP):
        for name, call in calls.items():
            begin = time.perf_counter()
            call()
            if number >= WARM_UP:
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) * 1e3 for name, values in times.items()}


def compare_graphs(folders: list[Path], rounds: int) -> list[str]:
    """Compare each network with its saliency graph, for one face."""
    rows = [
        '| model | inference [ms] | guided | gradient | Grad-CAM |',
        '| --- | --- | --- | --- | --- |',
    ]
    for folder in folders:
        found = medians_ms(calls_of(folder), rounds)
        base = found['inference']
        shares = ' | '.join(f'{found[m]:.2f} ms, {found[m] / base:.2f} times' for m in METHODS)
        rows.append(f'| {folder.name} | {base:.3f} | {shares} |')
    return rows


def calls_of(folder: Path) -> dict[str, Callable[[], object]]:
    """Return calls of the network alone, and of each method, for one face."""
    card = AttributeCard.load(folder)
    face = np.random.default_rng(0).integers(0, 256, (1, *card.input_shape)).astype(np.uint8)
    network = open_session(card.read_model(), card.path)
    path = card.directory / SALIENCY_NAME
    graph = open_session(read_bytes(path), path)
    calls: dict[str, Callable[[], object]] = {
        'inference': functools.partial(network.run, None, {card.input_name: face})
    }
    targets = {target_input(name): np.array([NOTHING]) for name in card.names}
    targets[target_input(card.names[0])] = np.array([TOP])
    for number, method in enumerate(METHODS):
        feed = {card.input_name: face, METHOD_INPUT: np.array([number]), **targets}
        calls[method] = functools.partial(graph.run, None, feed)
    return calls


def measure_pipeline(frames: int) -> list[str]:
    """Time the stages frame by frame at 640x480 with one face: with the maps and without."""
    paths = model_paths(DEFAULT_ATTRIBUTES, {}, models_search_path())
    loaded = load_detector(DetectorConfig(), models_search_path())
    detection = DetectionStage(loaded.detector, FaceTracker())
    classification = ClassificationStage(AttributeClassifier.load(paths), TrackSmoother(0.5))
    models = load_saliency_models(paths)
    times: dict[str, list[float]] = {'without': [], 'maps': []}
    faces = 0
    clip = BuiltinClip()
    for number in range(frames):
        image = clip.frame(number)
        stamp = round(number * SECOND_NS / 30)
        begin = time.perf_counter()
        found = detection.process(FrameResult(Frame(image, stamp, '', stamp)))
        result = classification.process(found)
        between = time.perf_counter()
        draw_overlay(result, models)
        times['without'].append(between - begin)
        times['maps'].append(time.perf_counter() - between)
        faces += len(result.faces)
    without, maps = (statistics.median(times[name]) * 1e3 for name in ('without', 'maps'))
    return [
        loaded.reason,
        f'{frames} frames of 640x480, {faces / frames:.1f} faces each',
        f'detection, tracking and {", ".join(paths)}: {without:.1f} ms a frame',
        f'the guided maps and the picture of faces/saliency: {maps:.1f} ms more',
        f'together {1e3 / (without + maps):.0f} frames a second on one thread',
    ]


def draw_overlay(result: FrameResult, models: Mapping[str, SaliencyModel]) -> None:
    """Draw the picture of ``faces/saliency``."""
    image = result.frame.image
    explained = explain_faces(models, image, tuple(map(result.region, result.faces)))
    blend(image, [face[0].placed for face in explained], 0.8, 'turbo')


def measure_without_subscriber(calls: int) -> list[str]:
    """Time what the classifier node spends on the maps while there is no subscriber."""
    if importlib.util.find_spec('rclpy') is None:
        return ['without ROS: the cost without a subscriber was not measured']
    rclpy = importlib.import_module('rclpy')
    publishers = importlib.import_module('rtcnn_perception.nodes.publishers')
    groups = importlib.import_module('rtcnn_perception.nodes.parameters.classifier')
    rclpy.init()
    node = rclpy.create_node('benchmark')
    publisher, parameters = publishers.SaliencyPublisher(node), groups.SaliencyGroup()
    result = FrameResult(Frame(BuiltinClip().frame(0), 1, '', 1))
    begin = time.perf_counter()
    for _ in range(calls):
        publisher.publish(result, parameters)
    spent = (time.perf_counter() - begin) / calls * 1e6
    node.destroy_node()
    rclpy.shutdown()
    return [f'without a subscriber: {spent:.1f} microseconds a frame']


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__.strip().splitlines()[0])
    parser.add_argument(
        'models',
        nargs='*',
        type=Path,
        metavar='MODEL',
        help='folders with a saliency graph (default: those of the default attributes)',
    )
    parser.add_argument('--rounds', type=int, default=ROUNDS, help='calls of each graph')
    parser.add_argument('--frames', type=int, default=FRAMES, help='frames of the pipeline')
    arguments = parser.parse_args()
    defaults = model_paths(DEFAULT_ATTRIBUTES, {}, models_search_path()).values()
    folders = arguments.models or [*dict.fromkeys(defaults)]
    for line in (
        *compare_graphs(folders, arguments.rounds),
        '',
        *measure_pipeline(arguments.frames),
        *measure_without_subscriber(CALLS),
    ):
        print(line)


if __name__ == '__main__':
    main()
