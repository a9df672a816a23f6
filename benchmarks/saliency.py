"""
What it costs to see what a network looks at: the graph by itself, and in the whole pipeline.

Run `python benchmarks/saliency.py [MODEL...]` for folders of models that have a saliency.onnx;
without any, for those that ship. Everything runs on one thread, in turns, in one process; medians
are compared, so that a busy machine slows all alike.
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
import sys
import time

import cv2
import numpy as np
import onnxruntime
from rtcnn_perception.core.attributes.card import ModelSpec
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import DetectionStage
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
from rtcnn_perception.core.pipeline import JudgedFrame
from rtcnn_perception.core.saliency.explanation import explain_faces
from rtcnn_perception.core.saliency.model import SaliencyModel
from rtcnn_perception.core.saliency.names import METHOD_INPUT
from rtcnn_perception.core.saliency.names import METHODS
from rtcnn_perception.core.saliency.names import NOTHING
from rtcnn_perception.core.saliency.names import SALIENCY_NAME
from rtcnn_perception.core.saliency.names import target_input
from rtcnn_perception.core.saliency.names import TOP
from rtcnn_perception.core.saliency.overlay import lay_over
from rtcnn_perception.core.sources.builtin import BuiltinClip
from rtcnn_perception.core.tracking.tracker import FaceTracker
from rtcnn_perception.core.tracking.tracker import TrackerConfig
from rtcnn_perception.resources import models_directory
from rtcnn_perception.resources import models_search_path

ROUNDS, WARM_UP = 600, 30
FRAMES = 150
CALLS = 5000
SECOND_NS = 1_000_000_000


def medians_ms(ways: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the median time of each way, all taken in turns."""
    times: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + WARM_UP):
        for name, way in ways.items():
            begin = time.perf_counter()
            way()
            if number >= WARM_UP:
                times[name].append(time.perf_counter() - begin)
    return {name: statistics.median(values) * 1e3 for name, values in times.items()}


def graphs(folders: list[Path], rounds: int) -> list[str]:
    """Compare each network with the same and its way back, for one face."""
    rows = [
        '| model | inference [ms] | guided | gradient | Grad-CAM |',
        '| --- | --- | --- | --- | --- |',
    ]
    for folder in folders:
        ways = ways_of(folder)
        found = medians_ms(ways, rounds)
        base = found['inference']
        shares = ' | '.join(f'{found[m]:.2f} ms, {found[m] / base:.2f} times' for m in METHODS)
        rows.append(f'| {folder.name} | {base:.3f} | {shares} |')
    return rows


def ways_of(folder: Path) -> dict[str, Callable[[], object]]:
    """Return the graph alone, and that of each method, to be run for one face."""
    spec = ModelSpec.load(folder)
    face = np.random.default_rng(0).integers(0, 256, (1, *spec.input_shape)).astype(np.uint8)
    plain, both = (session(folder / name) for name in (spec.file, SALIENCY_NAME))
    ways: dict[str, Callable[[], object]] = {
        'inference': functools.partial(plain.run, None, {spec.input_name: face})
    }
    targets = {target_input(name): np.array([NOTHING]) for name in spec.attributes}
    targets[target_input(spec.attributes[0])] = np.array([TOP])
    for number, method in enumerate(METHODS):
        feed = {spec.input_name: face, METHOD_INPUT: np.array([number]), **targets}
        ways[method] = functools.partial(both.run, None, feed)
    return ways


def session(path: Path) -> onnxruntime.InferenceSession:
    """Load a graph as the pipeline does, on one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(path), sess_options=options, providers=['CPUExecutionProvider']
    )


def pipeline(frames: int) -> list[str]:
    """Time the stages frame by frame at 640x480 with one face: with the maps and without."""
    cv2.setNumThreads(1)
    folders = {name: models_directory() / name for name in ('emotion', 'gender')}
    loaded = load_detector(DetectorConfig(), models_search_path())
    detection = DetectionStage(loaded.detector, FaceTracker(TrackerConfig()))
    classifier = AttributeClassifier.load(folders['emotion'], folders['gender'])
    classification = ClassificationStage(classifier, TrackSmoother(0.5))
    models = {name: SaliencyModel.load(folder) for name, folder in folders.items()}
    times: dict[str, list[float]] = {'without': [], 'maps': []}
    faces = 0
    clip = BuiltinClip()
    for number in range(frames):
        image = clip.frame(number)
        stamp = round(number * SECOND_NS / 30)
        begin = time.perf_counter()
        judged = classification.process(detection.process(Frame(image, stamp, '', stamp)))
        between = time.perf_counter()
        show(judged, models)
        times['without'].append(between - begin)
        times['maps'].append(time.perf_counter() - between)
        faces += len(judged.faces)
    without, maps = (statistics.median(times[name]) * 1e3 for name in ('without', 'maps'))
    return [
        f'Detector: {loaded.reason}',
        f'{len(times["maps"])} frames of 640x480, {faces / len(times["maps"]):.1f} faces each',
        f'detection, tracking and both networks: {without:.1f} ms a frame',
        f'both guided maps and the picture of faces/saliency: {maps:.1f} ms more',
        f'together {1e3 / (without + maps):.0f} frames a second on one thread',
    ]


def unheard(calls: int) -> list[str]:
    """Time what the classifier node spends on the maps while nobody listens."""
    if importlib.util.find_spec('rclpy') is None:
        return ['without ROS: what it costs while nobody listens was not measured']
    rclpy = importlib.import_module('rclpy')
    publishing = importlib.import_module('rtcnn_perception.nodes.saliency_publisher')
    parameters = importlib.import_module('rtcnn_perception.nodes.parameters.tables')
    rclpy.init()
    node = rclpy.create_node('benchmark')
    publisher, wanted = publishing.SaliencyPublisher(node), parameters.SaliencyGroup()
    frame = Frame(BuiltinClip().frame(0), 1, '', 1)
    judged = JudgedFrame(FacesInFrame(frame, (), 0.0, 0), (), 0.0)
    begin = time.perf_counter()
    for _ in range(calls):
        publisher.publish(judged, wanted)
    spent = (time.perf_counter() - begin) / calls * 1e6
    node.destroy_node()
    rclpy.shutdown()
    return [f'while nobody listens: {spent:.1f} microseconds a frame']


def show(judged: JudgedFrame, models: Mapping[str, SaliencyModel]) -> None:
    """Make the picture of ``faces/saliency``."""
    image = judged.faces_in_frame.frame.image
    places = tuple(face.track.place for face in judged.faces)
    explained = explain_faces(models, image, places)
    lay_over(image, [face[0].placed for face in explained], 0.8, 'turbo')


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('models', nargs='*', type=Path, metavar='MODEL')
    parser.add_argument('--rounds', type=int, default=ROUNDS)
    parser.add_argument('--frames', type=int, default=FRAMES)
    args = parser.parse_args()
    folders = args.models or [models_directory() / name for name in ('emotion', 'gender')]
    lines = [*graphs(folders, args.rounds), '', *pipeline(args.frames), *unheard(CALLS)]
    sys.stdout.write('\n'.join(lines) + '\n')


if __name__ == '__main__':
    main()
