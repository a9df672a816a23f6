"""``evaluate`` of a face detector, from its name to a folder."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.detection.base import Detector
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.base import LEAST_WIDTH
from rtcnn_perception.core.detection.registry import DETECTORS
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.detection.rtcnn import RtcnnDetector
from rtcnn_perception.core.sources.video import PICTURE_SUFFIXES
from rtcnn_perception.core.sources.video import VideoSource
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.load import find_data
from rtcnn_perception.training.data.photographs import Photograph
from rtcnn_perception.training.data.photographs import read_photographs
from rtcnn_perception.training.tasks.attributes.evaluate import write_report
from rtcnn_perception.training.tasks.attributes.report import percent
from rtcnn_perception.training.tasks.attributes.through_pipeline import tag_of
from rtcnn_perception.training.tasks.detector.baseline import against
from rtcnn_perception.training.tasks.detector.baseline import marked_by
from rtcnn_perception.training.tasks.detector.baseline import RivalFigures
from rtcnn_perception.training.tasks.detector.drawings import draw_curves
from rtcnn_perception.training.tasks.detector.drawings import draw_sheet
from rtcnn_perception.training.tasks.detector.drawings import draw_worst_false
from rtcnn_perception.training.tasks.detector.drawings import draw_worst_misses
from rtcnn_perception.training.tasks.detector.figures import width_figures
from rtcnn_perception.training.tasks.detector.predictions import mark_faces
from rtcnn_perception.training.tasks.detector.predictions import Marks
from rtcnn_perception.training.tasks.detector.report import ClipFigures
from rtcnn_perception.training.tasks.detector.report import detector_page
from rtcnn_perception.training.tasks.detector.report import DetectorReport
from rtcnn_perception.training.tasks.detector.report import rival_lines
from rtcnn_perception.training.tasks.detector.report import rival_picture
from rtcnn_perception.training.tasks.detector.report import SetFigures
from rtcnn_perception.training.tasks.detector.report import summary
from tqdm import tqdm

THRESHOLD = DetectorConfig.min_score
"""The score from which on the pipeline takes a mark, unless it is told otherwise."""

LEAST_SCORE = 0.001
"""Marks below would lengthen the curves by next to nothing, and take long to sort out."""

EVERYTHING = 'all'


class PhotographSet(NamedTuple):
    """Photographs of one part of a set, with the names of both."""

    data: str
    part: str
    photographs: list[Photograph]


@dataclass(frozen=True)
class DetectorChoice:
    """
    A detector as a person names it.

    :param named: one of ``DETECTORS``, or the folder, file or card of rtcnn's model
    :param yunet: YuNet's file, empty for where it belongs
    """

    named: str
    yunet: str = ''

    def load(self, width: int = 0, min_score: float = THRESHOLD) -> Detector:
        """
        Load the detector.

        :raises PerceptionError: if it is not there, or damaged
        """
        is_name = self.named in DETECTORS
        name = self.named if is_name else RtcnnDetector.name
        path = '' if is_name else self.named
        if name == 'yunet':
            path = self.yunet
        config = DetectorConfig(name, model_path=path, width=width, min_score=min_score)
        return load_detector(config, models_search_path()).detector


def evaluate_detector(
    choice: DetectorChoice,
    data: Sequence[str],
    output: Path,
    *,
    part: str | None,
    widths: Sequence[int],
    min_iou: float,
    rival: DetectorChoice | None = None,
    command: str,
) -> Iterator[str]:
    """
    Judge a detector and write its report.

    :param data: folders of annotated photographs, clips, and pictures that nobody annotated
    :param rival: whose faces are to be found in such pictures
    :param part: of each set; None for its test part, or else its val part
    :param command: what asks for this, for the report
    :returns: lines for whoever asked
    :raises PerceptionError: if the detector or the data is not fit, or the folder not writeable
    """
    if not 0 < min_iou <= 1:
        raise ConfigurationError(f'--iou must be above 0 and at most 1, got {min_iou:g}')
    for width in widths:
        if width < LEAST_WIDTH:
            raise ConfigurationError(f'--width must be at least {LEAST_WIDTH}, got {width}')
    shipped = choice.load()
    other = rival.load() if rival else None
    paths = [find_data(name) for name in data]
    unmarked = [path for path in paths if path.suffix.lower() in PICTURE_SUFFIXES]
    if bool(unmarked) != bool(rival):
        raise ConfigurationError(
            'pictures and --against go together: name the pictures themselves, whose faces nobody '
            'marked, and the detector whose faces are to be found in them'
        )
    if len({path.name for path in paths}) < len(paths):
        raise ConfigurationError(f'two of {", ".join(data)} have one name; judge them apart')
    asked = [_take_part(path, part) for path in paths if path.is_dir()]
    clips = [VideoSource(p) for p in paths if not p.is_dir() and p not in unmarked]
    if part is not None and not asked:
        raise ConfigurationError('--part is for folders with annotations.json')
    sets: list[SetFigures] = []
    pictures: dict[str, ImageBGR] = {}
    rivals: list[RivalFigures] = []
    if rival:
        for width in dict.fromkeys(widths):
            compared, sheet = _compare(choice, rival, unmarked, width, min_iou)
            rivals += compared
            pictures[rival_picture(width)] = sheet
    for photographs in asked:
        found, drawn = _judge_set(choice, photographs, widths, min_iou)
        sets.append(found)
        pictures |= drawn
    report = DetectorReport(
        detector=tag_of(shipped),
        command=command,
        threshold=THRESHOLD,
        least_score=LEAST_SCORE,
        min_iou=min_iou,
        sets=tuple(sets),
        clips=tuple(_judge_clip(shipped, clip) for clip in clips),
        rival='' if other is None else tag_of(other),
        against_rival=tuple(rivals),
    )
    write_report(report.as_dict(), detector_page(report), pictures, output)
    yield from filter(None, summary(report))
    for clip in report.clips:
        yield f'{clip.clip}: a face in {percent(clip.share)} of {clip.frames:,} frames'
    yield from rival_lines(report)
    yield f'wrote {output / "report.md"}'


def _take_part(path: Path, part: str | None) -> PhotographSet:
    photographs = read_photographs(path)
    there = {photograph.split for photograph in photographs}
    if part is None:
        part = next((name for name in ('test', 'val') if name in there), EVERYTHING)
    chosen = [each for each in photographs if part in (each.split, EVERYTHING)]
    if not chosen:
        raise DataError(
            f'{path} has no photograph in its part {part}; there are {", ".join(sorted(there))}'
        )
    return PhotographSet(path.resolve().name, part, chosen)


def _judge_set(
    choice: DetectorChoice, asked: PhotographSet, widths: Sequence[int], min_iou: float
) -> tuple[SetFigures, dict[str, ImageBGR]]:
    photographs = asked.photographs
    marks: dict[int, list[Marks]] = {}
    for width in dict.fromkeys(widths):
        detector = choice.load(width, LEAST_SCORE)
        shown = tqdm(photographs, desc=f'{detector.name}, {asked.data}, {width} wide')
        marks[width] = list(mark_faces(detector, shown, width))
    figures = [
        width_figures(photographs, marked, width=width, min_iou=min_iou, threshold=THRESHOLD)
        for width, marked in marks.items()
    ]
    found = SetFigures(asked.data, asked.part, len(photographs), tuple(figures))
    taken = [marked.from_score(THRESHOLD) for marked in next(iter(marks.values()))]
    curves = draw_curves(photographs, marks, min_iou=min_iou, threshold=THRESHOLD)
    return found, {
        f'{found.slug}_curves.png': curves,
        f'{found.slug}_found.png': draw_sheet(photographs, taken, min_iou),
        f'{found.slug}_false.png': draw_worst_false(photographs, taken, min_iou),
        f'{found.slug}_missed.png': draw_worst_misses(photographs, taken, min_iou),
    }


def _compare(
    choice: DetectorChoice,
    rival: DetectorChoice,
    paths: Sequence[Path],
    width: int,
    min_iou: float,
) -> tuple[tuple[RivalFigures, ...], ImageBGR]:
    """Return how many of another's faces are found, and a sheet of the pictures."""
    ours, theirs = choice.load(width), rival.load(width)
    photographs = [marked_by(theirs, path, width) for path in paths]
    marks = [Marks.of(ours.detect(photograph.read())) for photograph in photographs]
    sheet = draw_sheet(photographs, marks, min_iou)
    return against(photographs, marks, width=width, min_iou=min_iou), sheet


def _judge_clip(detector: Detector, clip: VideoSource) -> ClipFigures:
    name = Path(clip.name).name
    frames = tqdm(clip, desc=f'{detector.name}, {name}', total=clip.frame_count)
    found = [bool(detector.detect(frame)) for frame in frames]
    return ClipFigures(name, len(found), sum(found), sum(found) / len(found))
