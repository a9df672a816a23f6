"""The Markdown of a report."""

from __future__ import annotations

from collections.abc import Iterable

from rtcnn_perception.training.tasks.attributes.evaluate import AttributeReport
from rtcnn_perception.training.tasks.attributes.evaluate import Report
from rtcnn_perception.training.tasks.attributes.evaluate import worst_gaps
from rtcnn_perception.training.tasks.attributes.through_pipeline import PipelineFigures

KINDS = {'age': 'Age in years', 'race': 'Group, age 16 and over (the words of UTKFace)'}


def percent(share: float) -> str:
    """Return a share as per cent with one decimal."""
    return f'{100 * share:.1f} %'


def table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> list[str]:
    """Return the lines of a table, and an empty one."""
    columns = list(head)
    lines = [f'| {" | ".join(columns)} |', f'|{" --- |" * len(columns)}']
    return [*lines, *(f'| {" | ".join(row)} |' for row in rows), '']


def report_page(report: Report) -> str:
    """Return a report as Markdown; its pictures lie beside it."""
    lines = [
        f'# {report.model} on {report.data}',
        '',
        f'{report.faces:,} faces, crop margin {report.crop["margin"]}, '
        f'shift down {report.crop["shift_down"]}'
        f'{", turned upright by the landmarks" if report.crop["upright"] else ""}.',
        '',
        f'`{report.command}`',
        '',
    ]
    for part in report.attributes:
        lines += _attribute(part)
        if part.attribute in report.pipeline:
            figures = report.pipeline[part.attribute]
            lines += ['### Through the pipeline', '', f'{pipeline_line(figures)}.', '']
    return '\n'.join(lines).rstrip() + '\n'


def pipeline_line(figures: PipelineFigures) -> str:
    """Return in one sentence what the pipeline made of faces placed in larger scenes."""
    return (
        f'through the detector {figures.detector}, tracker and classifier: '
        f'{percent(figures.accuracy)} of '
        f'{figures.found:,} faces found of {figures.faces:,}; the same faces directly: '
        f'{percent(figures.direct_accuracy)}'
    )


def _attribute(part: AttributeReport) -> list[str]:
    figures, name = part.figures, part.attribute
    rows = [
        ('labelled faces', f'{figures.faces:,}'),
        ('accuracy', f'{percent(figures.accuracy)} (95 %: {_span(figures.interval)})'),
        ('balanced accuracy', percent(figures.balanced_accuracy)),
        ('expected calibration error', percent(figures.calibration_error)),
        ('log-loss', f'{figures.log_loss:.3f}'),
    ]
    if part.robustness:
        mean, worst = part.jitter
        rows.append(
            (
                'lost with the box off by 10 %',
                f'{percent(mean)} on average, {percent(worst)} at worst',
            )
        )
    for key, value in part.extra.items():
        shown = f'{value:,.0f}' if key.endswith('_faces') else percent(value)
        rows.append((key.replace('_', ' '), shown))
    lines = [f'## {name}', '', *table(('', ''), rows)]
    lines += table(
        ('class', 'faces', 'precision', 'recall', 'F1'),
        (
            (c.label, f'{c.count:,}', percent(c.precision), percent(c.recall), percent(c.f1))
            for c in figures.classes
        ),
    )
    lines += ['Rows are what is true, columns what was said:', '']
    lines += table(
        ('', *part.labels),
        (
            (label, *map(str, row))
            for label, row in zip(part.labels, figures.confusion, strict=True)
        ),
    )
    lines += [f'![confusion]({name}_confusion.png) ![reliability]({name}_reliability.png)', '']
    lines += _people(part)
    if part.robustness:
        lines += ['### When conditions are worse', '']
    for axis, points in part.robustness.items():
        lines += table(
            (axis, *(f'{value:g}' for value, _ in points)),
            [('accuracy', *(percent(share) for _, share in points))],
        )
        lines += [f'![{axis}]({name}_{axis.replace(" ", "_")}.png)', '']
    lines += ['### The surest mistakes', '', f'![mistakes]({name}_worst.png)', '']
    return lines


def _span(interval: tuple[float, float]) -> str:
    return ' to '.join(percent(bound) for bound in interval)


def _people(part: AttributeReport) -> list[str]:
    lines: list[str] = []
    gaps = worst_gaps(part)
    for kind, groups in part.people.items():
        if not groups:
            continue
        lines += table(
            (KINDS[kind], 'faces', 'accuracy', '95 %'),
            (
                (
                    g.group,
                    f'{g.count:,}',
                    percent(g.accuracy),
                    _span(g.interval),
                )
                for g in groups
            ),
        )
        lines += [f'Between the best and the worst of these: {percent(gaps[kind])}.', '']
    return lines
