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

"""The Markdown of a report on a face detector."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from rtcnn_perception.training.tasks.detector.figures import BAND_EDGES
from rtcnn_perception.training.tasks.detector.figures import WidthFigures
from rtcnn_perception.training.tasks.detector.predictions import BaselineFigures
from rtcnn_perception.training.tasks.detector.predictions import MIN_HEIGHTS
from rtcnn_perception.training.tasks.reporting import percent
from rtcnn_perception.training.tasks.reporting import table


@dataclass(frozen=True)
class SetFigures:
    """The figures of one set of photographs, a part of it or the whole."""

    data: str
    part: str
    photographs: int
    widths: tuple[WidthFigures, ...]

    @property
    def slug(self) -> str:
        """Return the part of a picture's file name that names the set."""
        return f'{self.data}_{self.part}'


@dataclass(frozen=True)
class ClipFigures:
    """In how many frames of a clip a face is found, at the detector's own width and threshold."""

    clip: str
    frames: int
    frames_with_face: int
    share: float


@dataclass(frozen=True)
class DetectorReport:
    """What ``evaluate`` found about a detector, as JSON keeps it."""

    detector: str
    command: str
    threshold: float
    least_score: float
    min_iou: float
    sets: tuple[SetFigures, ...]
    clips: tuple[ClipFigures, ...]
    baseline: str
    baseline_threshold: float
    against_baseline: tuple[BaselineFigures, ...]


def summary(report: DetectorReport) -> list[str]:
    """Return the table by which detectors are compared: rows of several reports fit together."""
    low, high = MIN_HEIGHTS
    head = (
        'detector',
        'data',
        'width',
        f'AP, {low} px and over',
        'highest recall',
        f'AP, {high} px and over',
        'highest recall',
        f'precision and recall at {report.threshold:g}, {low} px and over',
        'false faces per 1,000 negatives',
    )
    rows = []
    for data in report.sets:
        for at in data.widths:
            cells = [report.detector, f'{data.data} ({data.part})', f'{at.width}']
            sizes = {size.min_height: size for size in at.sizes}
            for height in MIN_HEIGHTS:
                size = sizes.get(height)
                cells += (
                    ['', '']
                    if size is None
                    else [f'{size.average_precision:.3f}', f'{size.highest_recall:.3f}']
                )
            least = sizes.get(low)
            cells.append('' if least is None else f'{least.precision:.3f} / {least.recall:.3f}')
            negatives = at.negatives
            cells.append('' if negatives is None else f'{negatives.false_faces_per_thousand:.1f}')
            rows.append(cells)
    return table(head, rows) if rows else []


def detector_page(report: DetectorReport) -> str:
    """Return a report as Markdown; its pictures lie beside it."""
    lines = [f'# Face detector {report.detector}', '', f'`{report.command}`', '']
    lines += summary(report)
    if report.sets:
        lines += [*_method(report), '']
    for data in report.sets:
        lines += _set_section(data, report.threshold)
    if report.clips:
        lines += ['## Clips', '', 'At the width and the threshold of the detector itself:', '']
        lines += table(
            ('clip', 'frames', 'with a face', 'share'),
            (
                (each.clip, f'{each.frames:,}', f'{each.frames_with_face:,}', percent(each.share))
                for each in report.clips
            ),
        )
    if report.against_baseline:
        lines += _baseline_section(report)
    return '\n'.join(lines).rstrip() + '\n'


def _method(report: DetectorReport) -> tuple[str, ...]:
    low, high = MIN_HEIGHTS
    return (
        f'A prediction is true from an intersection over union of {report.min_iou:g} with a face '
        'that none of higher score has taken; one on a smaller face or on an ignored region '
        'counts neither way; any other is false, and so is a second one on a face.',
        f'Faces of {low} and of {high} px and over: in pixels of the photographs of the set.',
        'AP is the area under the interpolated curve of precision and recall through every '
        f'prediction of score {report.least_score:g} and above, at the end of which is the '
        'highest recall.',
        'Every photograph has the width given: wider ones are shrunk by the detector, narrower '
        'ones enlarged before, which detectors never do by themselves.',
    )


def _set_section(data: SetFigures, threshold: float) -> list[str]:
    widths = [f'{at.width} wide' for at in data.widths]
    return [
        f'## {data.data} ({data.part})',
        '',
        f'{data.photographs:,} photographs; from here on at a score of {threshold:g} and above.',
        f'How predictions fit their faces is given for faces of {BAND_EDGES[0]} px and over.',
        '',
        *table(('', *widths), _threshold_rows(data.widths)),
        'Recall by height of the face, in pixels of the photograph:',
        '',
        *table(
            ('height', 'faces', *widths),
            (
                (same[0].name, f'{same[0].faces:,}', *(percent(band.recall) for band in same))
                for same in zip(*(at.bands for at in data.widths), strict=True)
            ),
        ),
        f'![curves]({data.slug}_curves.png)',
        '',
        f'In some photographs, {widths[0]}:',
        '',
        f'![found]({data.slug}_found.png)',
        '',
        f'The false faces of highest score, {widths[0]}'
        f'{"" if data.widths[0].negatives is None else ", in photographs without any face"}:',
        '',
        f'![false]({data.slug}_false.png)',
        '',
        f'The largest faces missed, {widths[0]}:',
        '',
        f'![missed]({data.slug}_missed.png)',
        '',
    ]


def _threshold_rows(widths: tuple[WidthFigures, ...]) -> Iterator[tuple[str, ...]]:
    for index, size in enumerate(widths[0].sizes):
        name = f'{size.min_height} px and over'
        same = [at.sizes[index] for at in widths]
        yield (f'precision, {name}', *(percent(each.precision) for each in same))
        yield (f'recall, {name} ({size.faces:,} faces)', *(percent(each.recall) for each in same))
    found = [at.negatives for at in widths if at.negatives is not None]
    if found:
        name = f'false faces in {found[0].photographs:,} photographs without any'
        yield name, *(f'{each.false_faces:,}' for each in found)
        yield 'the same per 1,000', *(f'{each.false_faces_per_thousand:.1f}' for each in found)
        yield (
            'photographs with a false face',
            *(f'{each.photographs_with_any:,}' for each in found),
        )
    agreements = [at.agreement for at in widths]
    for name, field in (
        ('centre to the right, in widths of the face (median)', 'shift_right'),
        ('centre further down, in heights of the face (median)', 'shift_down'),
        ("width, in the face's (median)", 'width'),
        ("height, in the face's (median)", 'height'),
        ("landmarks off, in the face's longer side (mean)", 'landmark_error'),
    ):
        values = [None if found is None else getattr(found, field) for found in agreements]
        if any(value is not None for value in values):
            yield name, *('' if value is None else f'{value:.3f}' for value in values)


def baseline_picture(width: int) -> str:
    """Return the name of the picture of the comparison with a baseline, at a width."""
    return f'against_baseline_{width}.png'


def baseline_lines(report: DetectorReport) -> Iterator[str]:
    """Give a line for each width: how many of the faces of a baseline are found."""
    for width in dict.fromkeys(each.width for each in report.against_baseline):
        same = [each for each in report.against_baseline if each.width == width]
        found, faces = sum(each.found for each in same), sum(each.faces for each in same)
        yield (
            f"{report.detector}: {found} of {report.baseline}'s {faces} faces of "
            f'{MIN_HEIGHTS[0]} px and over in {len(same)} pictures, at most {width} wide'
        )


def _baseline_section(report: DetectorReport) -> list[str]:
    found = report.against_baseline
    rows = ([each.picture, *map(str, (each.width, each.faces, each.found))] for each in found)
    lines = [
        f'## Against {report.baseline}',
        '',
        f'Of the faces that {report.baseline} finds, {MIN_HEIGHTS[0]} px and over at its width, '
        f'those found as well. Faces of {report.baseline} have a score of '
        f'{report.baseline_threshold:g} and above, those of {report.detector} of '
        f'{report.threshold:g}, the default of each; narrower pictures keep their size:',
        '',
        *table(('picture', 'width, at most', 'faces', 'found'), rows),
    ]
    for width in dict.fromkeys(each.width for each in found):
        lines += [f'In some of the pictures, at most {width} wide:', '']
        lines += [f'![{width} wide]({baseline_picture(width)})', '']
    return lines
