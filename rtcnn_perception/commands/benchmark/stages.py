"""What each stage costs, in one thread, beside the original's way of working."""

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
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.attributes.classifier import FaceModel
from rtcnn_perception.core.attributes.quality import crop_quality
from rtcnn_perception.core.attributes.smoothing import TrackSmoother
from rtcnn_perception.core.detection.haar import find_cascade
from rtcnn_perception.core.detection.registry import Detector
from rtcnn_perception.core.drawing.annotate import annotate
from rtcnn_perception.core.geometry.boxes import BoundingBox
from rtcnn_perception.core.geometry.face_crops import cut_faces
from rtcnn_perception.core.geometry.landmarks import FacePlace
from rtcnn_perception.core.pipeline import ClassificationStage
from rtcnn_perception.core.pipeline import Classifier
from rtcnn_perception.core.pipeline import FacesInFrame
from rtcnn_perception.core.pipeline import Frame
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
        """Measure what is done within."""
        begin = time.perf_counter()
        yield
        self.seconds[name].append(time.perf_counter() - begin)

    def medians_ms(self) -> dict[str, float]:
        """Return the median of each stage in milliseconds, and of whole frames as ``total``."""
        medians = {name: 1e3 * float(np.median(each)) for name, each in self.seconds.items()}
        totals = np.sum([*self.seconds.values()], axis=0)
        return {**medians, TOTAL: 1e3 * float(np.median(totals))}


Way = Callable[[ImageBGR, int, Stopwatch], int]
"""Takes a frame and its number, measures its stages and returns how many faces it judged."""


class OriginalWay:
    """
    The way of the original real-time demo: each face by itself, once for each attribute.

    Haar cascade over the whole gray frame with a factor of 1.3 and 5 neighbours, then for each
    face one call of the gender and one of the emotion network. The networks are this project's in
    onnxruntime, so that only the way of working differs, not the framework.
    Source: Octavio Arriaga, face_classification, src/video_emotion_gender_demo.py (MIT).
    """

    def __init__(self, emotion: FaceModel, gender: FaceModel) -> None:
        self._cascade = cv2.CascadeClassifier(str(find_cascade()))
        self._models = (gender, emotion)

    def __call__(self, image: ImageBGR, index: int, watch: Stopwatch) -> int:
        """Judge the faces of a frame."""
        del index
        with watch.stage('detect'):
            gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
            found = self._cascade.detectMultiScale(gray, 1.3, 5)
        boxes = [BoundingBox.from_xywh(*map(float, xywh)) for xywh in found]
        with watch.stage('classify'):
            for box in boxes:
                for model in self._models:
                    model.predict(image, (FacePlace(box),))
        return len(boxes)


class PackageWay:
    """The way of this package: detector, tracker, and all faces of a frame in one call."""

    def __init__(self, detector: Detector, classifier: Classifier) -> None:
        self._detector = detector
        self._tracker = FaceTracker()
        self._classification = ClassificationStage(classifier, TrackSmoother(SMOOTHING_S))

    def __call__(self, image: ImageBGR, index: int, watch: Stopwatch) -> int:
        """Judge the faces of a frame."""
        frame = Frame(image, (index + 1) * FRAME_NS, 'camera', (index + 1) * FRAME_NS)
        with watch.stage('detect'):
            detections = self._detector.detect(frame.image)
        with watch.stage('track'):
            tracks = self._tracker.update(detections, frame.time)
        found = FacesInFrame(frame, tracks, 0.0, 0)
        with watch.stage('classify'):
            judged = self._classification.process(found)
        return len(judged.faces)


class DetectorAlone:
    """A detector, and nothing that follows it."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def __call__(self, image: ImageBGR, index: int, watch: Stopwatch) -> int:
        """Find the faces of a frame."""
        del index
        with watch.stage('detect'):
            found = self._detector.detect(image)
        return len(found)


class EachStage:
    """Every step of this package by itself, also those that a stage does together."""

    def __init__(self, detector: Detector, models: Mapping[str, FaceModel]) -> None:
        self._detector = detector
        self._models = models
        self._labels = {name: model.spec.head(name).labels for name, model in models.items()}
        self._tracker = FaceTracker()
        self._stage = ClassificationStage(AttributeClassifier(models), TrackSmoother(SMOOTHING_S))

    def __call__(self, image: ImageBGR, index: int, watch: Stopwatch) -> int:
        """Measure each step on a frame."""
        frame = Frame(image, (index + 1) * FRAME_NS, 'camera', (index + 1) * FRAME_NS)
        with watch.stage('detect'):
            detections = self._detector.detect(frame.image)
        with watch.stage('track'):
            tracks = self._tracker.update(detections, frame.time)
        places = tuple(track.place for track in tracks)
        for name, model in self._models.items():
            with watch.stage(f'crops for {name}'):
                faces = cut_faces(frame.image, places, model.spec)
            with watch.stage(f'{name} network'):
                model.judge(faces)
        with watch.stage('quality'):
            for place in places:
                crop_quality(frame.image, place.box)
        judged = self._stage.process(FacesInFrame(frame, tracks, 0.0, 0))
        with watch.stage('annotate, where somebody watches'):
            annotate(judged, self._labels)
        return len(places)


@dataclass(frozen=True)
class Cost:
    """Median over the repetitions in milliseconds by stage, their range, and faces per frame."""

    median_ms: Mapping[str, float]
    range_ms: Mapping[str, tuple[float, float]]
    faces: float


def compare(
    ways: Mapping[str, Callable[[], Way]], clip: Sequence[ImageBGR], repeats: int
) -> dict[str, Cost]:
    """
    Run each way over a clip, in turn, so that a busy machine is busy for all of them.

    Whose turn comes first is drawn for each frame: none always finds the caches as the slowest
    left them.

    :param ways: makers of ways by name; each repetition starts with a new one
    """
    medians: dict[str, list[dict[str, float]]] = defaultdict(list)
    faces: dict[str, list[int]] = defaultdict(list)
    turns = np.random.default_rng(0)
    for _ in range(repeats):
        running = {name: make() for name, make in ways.items()}
        watches = {name: Stopwatch() for name in ways}
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
