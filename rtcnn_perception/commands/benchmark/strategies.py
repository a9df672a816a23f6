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

"""Time of each stage in one thread, of this package and of the original implementation."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import field
import time

import cv2
import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import Classifier
from rtcnn_perception.core.attributes.model import AttributeModel
from rtcnn_perception.core.attributes.quality import face_quality
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.haar import find_cascade
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.frame import Frame
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.crops import cut_crops
from rtcnn_perception.core.geometry.landmarks import FaceRegion
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import detect_for_tracks
from rtcnn_perception.core.results import Face
from rtcnn_perception.core.results import FrameResult
from rtcnn_perception.core.tracking.tracker import FaceTracker

FRAME_NS = round(1e9 / 30)
SMOOTHING_S = 0.5
WARM_UP_FRAMES = 5
TOTAL = 'total'


@dataclass
class Stopwatch:
    """Seconds by stage, a value for each frame."""

    seconds: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Measure the block."""
        begin = time.perf_counter()
        yield
        self.seconds[name].append(time.perf_counter() - begin)

    def medians_ms(self) -> dict[str, float]:
        """Return the median of each stage in milliseconds, and of whole frames as ``total``."""
        medians = {name: 1e3 * float(np.median(each)) for name, each in self.seconds.items()}
        totals = np.sum([*self.seconds.values()], axis=0)
        return {**medians, TOTAL: 1e3 * float(np.median(totals))}


Strategy = Callable[[ImageBGR, int, Stopwatch], int]
"""Processes a frame by its number, measures the stages and returns the number of faces."""


class OriginalStrategy:
    """
    The original real-time demo: each face by itself, once for each attribute.

    Haar cascade over the whole gray frame with a factor of 1.3 and 5 neighbours, then for each
    face one call of each network. The networks are this project's in onnxruntime, so that only the
    strategy differs, not the framework.
    Source: Octavio Arriaga, face_classification, src/video_emotion_gender_demo.py (MIT).
    """

    def __init__(self, models: Sequence[AttributeModel]) -> None:
        self._cascade = cv2.CascadeClassifier(str(find_cascade()))
        self._models = tuple(models)

    def __call__(self, image: ImageBGR, index: int, watch: Stopwatch) -> int:
        del index
        with watch.stage('detect'):
            gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            found = self._cascade.detectMultiScale(gray, 1.3, 5)
        boxes = [BoundingBox.from_xywh(*map(float, xywh)) for xywh in found]
        with watch.stage('classify'):
            for box in boxes:
                for model in self._models:
                    model.predict(_crops(model, image, (FaceRegion(box),)))
        return len(boxes)


class PackageStrategy:
    """This package: detector, tracker, and all faces of a frame in one call."""

    def __init__(self, detector: Detector, classifier: Classifier) -> None:
        self._detector = detector
        self._tracker = FaceTracker()
        self._classification = ClassificationStage(classifier, TrackSmoother(SMOOTHING_S))

    def __call__(self, image: ImageBGR, index: int, watch: Stopwatch) -> int:
        found = self._find(image, index, watch)
        with watch.stage('classify'):
            classified = self._classification.process(found)
        return len(classified.faces)

    def _find(self, image: ImageBGR, index: int, watch: Stopwatch) -> FrameResult:
        frame = Frame(image, (index + 1) * FRAME_NS, 'camera', (index + 1) * FRAME_NS)
        with watch.stage('detect'):
            min_score, keep_ratio = self._detector.min_score, self._tracker.config.keep_ratio
            detections = detect_for_tracks(self._detector, frame.image, min_score, keep_ratio)
        with watch.stage('track'):
            tracks = self._tracker.update(detections, frame.time, min_score)
        names = self._detector.landmark_names
        return FrameResult(frame, tuple(map(Face, tracks)), landmark_names=names)


class EachStage(PackageStrategy):
    """Every step of this package by itself, also those that one stage does together."""

    def __init__(self, detector: Detector, models: Mapping[str, AttributeModel]) -> None:
        super().__init__(detector, AttributeClassifier(models))
        # A model of several attributes cuts and runs once.
        self._names = {
            model: ' and '.join(name for name, each in models.items() if each is model)
            for model in models.values()
        }

    def __call__(self, image: ImageBGR, index: int, watch: Stopwatch) -> int:
        found = self._find(image, index, watch)
        regions = [found.region(face) for face in found.faces]
        for model, names in self._names.items():
            with watch.stage(f'crops for {names}'):
                crops = _crops(model, image, regions)
            with watch.stage(f'network of {names}'):
                model.predict(crops)
        with watch.stage('quality'):
            for region in regions:
                face_quality(image, region.box)
        classified = self._classification.process(found)
        with watch.stage('annotate, if there is a subscriber'):
            annotate(classified)
        return len(regions)


def detector_alone(detector: Detector) -> Strategy:
    """Return a detector without the other stages."""

    def find(image: ImageBGR, _index: int, watch: Stopwatch) -> int:
        with watch.stage('detect'):
            found = detector.detect(image)
        return len(found)

    return find


def _crops(
    model: AttributeModel, image: ImageBGR, regions: Sequence[FaceRegion]
) -> NDArray[np.uint8]:
    card = model.card
    crops = [card.crop.crop(region) for region in regions]
    return cut_crops(image, crops, card.input_size_hw, card.channels)


@dataclass(frozen=True)
class Cost:
    """Median over the repetitions in milliseconds by stage, their range, and faces per frame."""

    median_ms: Mapping[str, float]
    range_ms: Mapping[str, tuple[float, float]]
    faces: float


def compare(
    strategies: Mapping[str, Callable[[], Strategy]], clip: Sequence[ImageBGR], repeats: int
) -> dict[str, Cost]:
    """
    Run each strategy over a clip, frame by frame in turns, so that load of the machine hits all.

    The order is random for each frame, so that caches favour none.

    :param strategies: makers of strategies by name; each repetition starts with a new one
    """
    medians: dict[str, list[dict[str, float]]] = defaultdict(list)
    faces: dict[str, list[int]] = defaultdict(list)
    turns = np.random.default_rng(0)
    for _ in range(repeats):
        running = {name: make() for name, make in strategies.items()}
        watches = {name: Stopwatch() for name in strategies}
        for index, image in enumerate(clip):
            for name in turns.permutation([*running]).tolist():
                is_warm = index >= WARM_UP_FRAMES
                count = running[name](image, index, watches[name] if is_warm else Stopwatch())
                faces[name] += [count] if is_warm else []
        for name, watch in watches.items():
            medians[name].append(watch.medians_ms())
    return {
        name: Cost(
            median_ms={key: float(np.median([run[key] for run in runs])) for key in runs[0]},
            range_ms={
                key: (min(run[key] for run in runs), max(run[key] for run in runs))
                for key in runs[0]
            },
            faces=float(np.mean(faces[name])),
        )
        for name, runs in medians.items()
    }
