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

"""The report on an attribute network: figures, pictures and the Markdown page."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import EVERYTHING
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.tasks.attributes.groups import Groups
from rtcnn_perception.training.tasks.attributes.metrics import Figures
from rtcnn_perception.training.tasks.attributes.metrics import GroupFigures
from rtcnn_perception.training.tasks.attributes.metrics import SURE
from rtcnn_perception.training.tasks.attributes.predictor import Predictor
from rtcnn_perception.training.tasks.attributes.robustness import Curves
from rtcnn_perception.training.tasks.attributes.through_pipeline import PipelineFigures
from rtcnn_perception.training.tasks.reporting import draw_confusion
from rtcnn_perception.training.tasks.reporting import draw_curve
from rtcnn_perception.training.tasks.reporting import draw_faces
from rtcnn_perception.training.tasks.reporting import draw_reliability
from rtcnn_perception.training.tasks.reporting import percent
from rtcnn_perception.training.tasks.reporting import span
from rtcnn_perception.training.tasks.reporting import table

WORST_FACES = 32
"""How many mistakes the picture of the worst shows."""

WORST_GROUPS = 15
"""How many groups of one kind the page lists; ``report.json`` has all."""


@dataclass(frozen=True)
class AttributeReport:
    """
    All figures of one attribute.

    ``jitter`` is the accuracy lost with a box off by 10 %, on average and at worst; ``metrics``
    are by name, among them the accuracy on the votes or labels of the same attribute.
    """

    attribute: str
    classes: tuple[str, ...]
    figures: Figures
    metrics: dict[str, float]
    robustness: Curves
    jitter: tuple[float, float]
    groups: Groups


@dataclass(frozen=True)
class Report:
    """
    What ``evaluate`` found, as JSON keeps it.

    ``selection`` says which faces these are and of how many, ``notes`` what has to be known of the
    model.
    """

    model: str
    data: str
    faces: int
    crop: dict[str, float]
    command: str
    attributes: tuple[AttributeReport, ...]
    pipeline: dict[str, PipelineFigures] = field(default_factory=dict)
    selection: str = ''
    notes: tuple[str, ...] = ()


def selection_line(part: str, where: Sequence[str], faces: int, available: int) -> str:
    """
    Return in a line which faces are evaluated, and of how many.

    :param part: one of ``PARTS``, or all
    :param where: the conditions that they meet
    :param available: labelled faces in all parts of the data
    """
    named = 'all parts' if part == EVERYTHING else f'part {part}'
    return f'{", ".join((named, *where))}: {faces:,} of {available:,} faces'


def summary_lines(report: Report) -> Iterator[str]:
    """Give the figures that matter most, for the terminal."""
    for each in report.attributes:
        figures = each.figures
        yield (
            f'{report.model}: {each.attribute} {percent(figures.accuracy)} '
            f'({span(figures.interval)}) of {figures.faces:,} faces, '
            f'surely wrong {percent(figures.surely_wrong)}, calibration error '
            f'{percent(figures.calibration_error)}, log-loss {figures.log_loss:.3f}'
        )
        for name, value in _named_metrics(each):
            yield f'  {name}: {value}'
        for kind, groups in each.groups.items():
            group, faces, accuracy, interval, *_ = _group_row(groups[0])
            yield f'  worst by {kind}: {group}, {accuracy} ({interval}) of {faces}'
        if each.robustness:
            mean, worst = map(percent, each.jitter)
            yield f'  box off by 10 %: {mean} lost on average, {worst} at worst'
    for name, pipeline in report.pipeline.items():
        yield f'  {name} {pipeline_line(pipeline)}'


def pipeline_line(figures: PipelineFigures) -> str:
    """Return in one sentence how the pipeline classified faces that it had to find."""
    counts = (
        f'through the detector {figures.detector}, tracker and classifier: '
        f'{figures.found:,} of {figures.faces:,} faces found, {figures.labelled:,} labelled'
    )
    if not figures.labelled:
        return counts
    return (
        f'{counts}, {percent(figures.accuracy)} of these correctly; the same faces directly: '
        f'{percent(figures.direct_accuracy)}'
    )


def _named_metrics(report: AttributeReport) -> Iterator[tuple[str, str]]:
    for name, value in report.metrics.items():
        shown = f'{value:.2f}' if name == 'mean_band_error' else percent(value)
        if name != 'accuracy':
            yield name.replace('_', ' '), shown


def report_page(report: Report) -> str:
    """Return a report as Markdown; its pictures lie beside it."""
    selection = report.selection or f'{report.faces:,} faces'
    lines = [
        f'# {report.model} on {report.data}',
        '',
        f'{selection[0].upper()}{selection[1:]}, crop margin {report.crop["margin"]}, '
        f'shift down {report.crop["shift_down"]}'
        f'{", rotated upright by the landmarks" if report.crop["upright"] else ""}.',
        '',
        *(f'Note: {note}.\n' for note in report.notes),
        f'`{report.command}`',
        '',
    ]
    for each in report.attributes:
        lines += _attribute_section(each)
        if each.attribute in report.pipeline:
            figures = report.pipeline[each.attribute]
            lines += ['### Through the pipeline', '', f'{pipeline_line(figures)}.', '']
    return '\n'.join(lines).rstrip() + '\n'


def _attribute_section(report: AttributeReport) -> list[str]:
    figures, name = report.figures, report.attribute
    rows = [
        ('labelled faces', f'{figures.faces:,}'),
        (
            'accuracy',
            f'{percent(figures.accuracy)} (95 %: {span(figures.interval)})',
        ),
        *_named_metrics(report),
        (f'wrong with {SURE:g} and more', percent(figures.surely_wrong)),
        ('expected calibration error', percent(figures.calibration_error)),
        ('log-loss', f'{figures.log_loss:.3f}'),
    ]
    if report.robustness:
        mean, worst = map(percent, report.jitter)
        rows.append(('lost with the box off by 10 %', f'{mean} on average, {worst} at worst'))
    lines = [f'## {name}', '', *table(('', ''), rows), *_group_lines(report.groups)]
    lines += table(
        ('class', 'faces', 'precision', 'recall', 'F1'),
        (
            (
                c.label,
                f'{c.faces:,}',
                percent(c.precision),
                percent(c.recall),
                percent(c.f1),
            )
            for c in figures.classes
        ),
    )
    lines += ['Rows are true classes, columns predicted ones:', '']
    lines += table(
        ('', *report.classes),
        (
            (label, *map(str, row))
            for label, row in zip(report.classes, figures.confusion, strict=True)
        ),
    )
    lines += [f'![confusion]({name}_confusion.png) ![reliability]({name}_reliability.png)', '']
    if report.robustness:
        lines += ['### Under worse conditions', '']
    for axis, points in report.robustness.items():
        lines += table(
            (axis, *(f'{value:g}' for value, _ in points)),
            [('accuracy', *(percent(share) for _, share in points))],
        )
        lines += [f'![{axis}]({name}_{axis.replace(" ", "_")}.png)', '']
    return [*lines, '### The most confident mistakes', '', f'![mistakes]({name}_worst.png)', '']


def _group_lines(groups: Groups) -> list[str]:
    lines = ['### Groups, the worst first', ''] if groups else []
    for kind, found in groups.items():
        lines += table(
            (kind, 'faces', 'accuracy', '95 %', f'wrong with {SURE:g}', 'calibration error'),
            map(_group_row, found[:WORST_GROUPS]),
        )
        best, worst = found[-1], found[0]
        lines += [
            f'{len(found)} groups; the best, {best.group}, has {percent(best.accuracy)}, '
            f'{percent(best.accuracy - worst.accuracy)} more than the worst.',
            '',
        ]
    return lines


def _group_row(group: GroupFigures) -> tuple[str, ...]:
    return (
        group.group,
        f'{group.faces:,}',
        percent(group.accuracy),
        span(group.interval),
        percent(group.surely_wrong),
        percent(group.calibration_error),
    )


def draw_report(
    report: Report,
    probabilities: Mapping[str, Probabilities],
    predictor: Predictor,
    faces: FaceSet,
) -> dict[str, ImageBGR]:
    """Return every picture of a report by its file name."""
    pictures: dict[str, ImageBGR] = {}
    for each in report.attributes:
        name, figures = each.attribute, each.figures
        pictures[f'{name}_confusion.png'] = draw_confusion(figures.confusion, each.classes)
        pictures[f'{name}_reliability.png'] = draw_reliability(figures.reliability)
        for axis, points in each.robustness.items():
            file = f'{name}_{axis.replace(" ", "_")}.png'
            pictures[file] = draw_curve(axis, points, figures.accuracy)
        pictures[f'{name}_worst.png'] = _draw_worst(each, probabilities[name], predictor, faces)
    return pictures


def _draw_worst(
    report: AttributeReport, rows: Probabilities, predictor: Predictor, faces: FaceSet
) -> ImageBGR:
    labels, classes = faces.labels[report.attribute].indices, report.classes
    wrong = (rows.argmax(1) != labels) & (labels != UNLABELLED)
    count = min(WORST_FACES, int(wrong.sum()))
    worst: NDArray[np.int64] = np.argsort(-rows.max(1) * wrong)[:count]
    captions = [
        (
            f'is {classes[labels[i]]}',
            f'as {classes[int(rows[i].argmax())]} {rows[i].max():.0%}',
        )
        for i in worst
    ]
    return draw_faces(cut_faces(faces, predictor.geometry, predictor.size_hw, worst), captions)
