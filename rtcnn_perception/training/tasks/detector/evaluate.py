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

"""Evaluate a face detector, from its name to a folder with a report."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import LEAST_WIDTH
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.sources.pictures import STILL_SUFFIXES
from rtcnn_perception.core.sources.video import VideoSource
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.exceptions import IncompleteError
from rtcnn_perception.exceptions import SourceError
from rtcnn_perception.files import check_file
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import EVERYTHING
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.data.sources import find_data
from rtcnn_perception.training.tasks.detector.drawings import draw_curves
from rtcnn_perception.training.tasks.detector.drawings import draw_sheet
from rtcnn_perception.training.tasks.detector.drawings import draw_worst_false
from rtcnn_perception.training.tasks.detector.drawings import draw_worst_misses
from rtcnn_perception.training.tasks.detector.figures import width_figures
from rtcnn_perception.training.tasks.detector.predictions import annotated_by
from rtcnn_perception.training.tasks.detector.predictions import BaselineFigures
from rtcnn_perception.training.tasks.detector.predictions import compare
from rtcnn_perception.training.tasks.detector.predictions import predict_faces
from rtcnn_perception.training.tasks.detector.predictions import Predictions
from rtcnn_perception.training.tasks.detector.report import baseline_lines
from rtcnn_perception.training.tasks.detector.report import baseline_picture
from rtcnn_perception.training.tasks.detector.report import ClipFigures
from rtcnn_perception.training.tasks.detector.report import detector_page
from rtcnn_perception.training.tasks.detector.report import DetectorReport
from rtcnn_perception.training.tasks.detector.report import SetFigures
from rtcnn_perception.training.tasks.detector.report import summary
from rtcnn_perception.training.tasks.reporting import percent
from rtcnn_perception.training.tasks.reporting import write_report
from tqdm import tqdm

LEAST_SCORE = 0.001
"""Predictions below would lengthen the curves by next to nothing, and take long to sort out."""


class PhotographSet(NamedTuple):
    """Photographs of one part of a set, with the names of both."""

    data: str
    part: str
    photographs: list[Photograph]


def load(config: DetectorConfig, width: int = 0, min_score: float = 0.0) -> Detector:
    """
    Load a detector at a width and a threshold, 0 for its own.

    :raises PerceptionError: if it does not exist, or is damaged
    """
    config = replace(config, width=width, min_score=min_score)
    return load_detector(config, models_search_path()).detector


def evaluate_detector(
    config: DetectorConfig,
    data: Sequence[str],
    output: Path,
    *,
    part: str | None,
    widths: Sequence[int],
    min_iou: float,
    baseline: DetectorConfig | None = None,
    command: str,
) -> Iterator[str]:
    """
    Evaluate a detector and write its report.

    :param data: folders of annotated photographs, clips, and pictures without annotations
    :param baseline: the detector whose faces are to be found in such pictures
    :param part: of each set; None for its test part, or else its val part, or else all of it
    :param command: the command line, for the report
    :returns: lines for the terminal
    :raises PerceptionError: if detector or data is not fit, or the folder cannot be written to
    :raises IncompleteError: at the end, if a clip could not be read whole
    """
    if not 0 < min_iou <= 1:
        raise ConfigurationError(f'--iou must be above 0 and at most 1, got {min_iou:g}')
    for width in widths:
        if width < LEAST_WIDTH:
            raise ConfigurationError(f'--width must be at least {LEAST_WIDTH}, got {width}')
    default = load(config)
    other = load(baseline) if baseline else None
    paths = [find_data(name) for name in data]
    pictures = [path for path in paths if path.suffix.lower() in STILL_SUFFIXES]
    if bool(pictures) != bool(baseline):
        raise ConfigurationError(
            'pictures and --against go together: name pictures without annotations, and the '
            'detector whose faces are to be found in them'
        )
    if len({path.name for path in paths}) < len(paths):
        raise ConfigurationError(
            f'two of {", ".join(data)} have the same name; evaluate them one by one'
        )
    sets = [_take_part(path, part) for path in paths if path.is_dir()]
    clips = [_open_clip(path) for path in paths if not path.is_dir() and path not in pictures]
    if part is not None and not sets:
        raise ConfigurationError('--part is for folders with annotations.json')
    compared: list[BaselineFigures] = []
    drawn: dict[str, ImageBGR] = {}
    if baseline:
        for width in dict.fromkeys(widths):
            figures, sheet = _compare(config, baseline, pictures, width, min_iou)
            compared += figures
            drawn[baseline_picture(width)] = sheet
    found: list[SetFigures] = []
    for photographs in sets:
        set_figures, sheets = _evaluate_set(
            config, photographs, widths, min_iou=min_iou, threshold=default.min_score
        )
        found.append(set_figures)
        drawn |= sheets
    report = DetectorReport(
        detector=default.tag,
        command=command,
        threshold=default.min_score,
        least_score=LEAST_SCORE,
        min_iou=min_iou,
        sets=tuple(found),
        clips=tuple(_evaluate_clip(default, clip) for clip in clips),
        baseline='' if other is None else other.tag,
        baseline_threshold=0.0 if other is None else other.min_score,
        against_baseline=tuple(compared),
    )
    page = write_report(asdict(report), detector_page(report), drawn, output)
    yield from filter(None, summary(report))
    for clip in report.clips:
        yield f'{clip.clip}: a face in {percent(clip.share)} of {clip.frames:,} frames'
    yield from baseline_lines(report)
    yield f'wrote {page}'
    damaged = [f'{path}: {why}' for clip in clips for path, why in clip.skipped.items()]
    if damaged:
        raise IncompleteError('; '.join(damaged))


def _open_clip(path: Path) -> VideoSource:
    """Open a clip; raise a SourceError where there is none."""
    try:
        check_file(path)  # a pipe would block
    except OSError as error:
        raise SourceError(f'cannot read the clip {path}: {error.strerror}') from error
    return VideoSource(path)


def _take_part(path: Path, part: str | None) -> PhotographSet:
    photographs = read_photographs(path)
    known = {photograph.split for photograph in photographs}
    if part is None:
        part = next((name for name in ('test', 'val') if name in known), EVERYTHING)
    chosen = [each for each in photographs if part in (each.split, EVERYTHING)]
    if not chosen:
        raise DataError(
            f'{path} has no photograph in its part {part}; there are {", ".join(sorted(known))}'
        )
    return PhotographSet(path.resolve().name, part, chosen)


def _evaluate_set(
    config: DetectorConfig,
    part: PhotographSet,
    widths: Sequence[int],
    *,
    min_iou: float,
    threshold: float,
) -> tuple[SetFigures, dict[str, ImageBGR]]:
    photographs = part.photographs
    predictions: dict[int, list[Predictions]] = {}
    for width in dict.fromkeys(widths):
        detector = load(config, width, LEAST_SCORE)
        shown = tqdm(photographs, desc=f'{detector.tag}, {part.data}, {width} wide', disable=None)
        predictions[width] = list(predict_faces(detector, shown, width))
    figures = [
        width_figures(photographs, each, width=width, min_iou=min_iou, threshold=threshold)
        for width, each in predictions.items()
    ]
    found = SetFigures(part.data, part.part, len(photographs), tuple(figures))
    taken = [each.from_score(threshold) for each in next(iter(predictions.values()))]
    curves = draw_curves(photographs, predictions, min_iou=min_iou, threshold=threshold)
    return found, {
        f'{found.slug}_curves.png': curves,
        f'{found.slug}_found.png': draw_sheet(photographs, taken, min_iou),
        f'{found.slug}_false.png': draw_worst_false(photographs, taken, min_iou),
        f'{found.slug}_missed.png': draw_worst_misses(photographs, taken, min_iou),
    }


def _compare(
    config: DetectorConfig,
    baseline: DetectorConfig,
    paths: Sequence[Path],
    width: int,
    min_iou: float,
) -> tuple[tuple[BaselineFigures, ...], ImageBGR]:
    """Return how many of the faces of a baseline are found, and a sheet of the pictures."""
    detector, other = load(config, width), load(baseline, width)
    photographs = [annotated_by(other, path, width) for path in paths]
    predictions = [Predictions.of(detector, photograph.read()) for photograph in photographs]
    sheet = draw_sheet(photographs, predictions, min_iou)
    return compare(photographs, predictions, width=width, min_iou=min_iou), sheet


def _evaluate_clip(detector: Detector, clip: VideoSource) -> ClipFigures:
    name = Path(clip.name).name
    frames = tqdm(clip, desc=f'{detector.tag}, {name}', total=clip.frame_count, disable=None)
    found = [bool(detector.detect(frame)) for frame in frames]
    return ClipFigures(name, len(found), sum(found), sum(found) / len(found))
