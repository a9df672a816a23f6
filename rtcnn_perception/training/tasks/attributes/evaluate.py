"""Judge a model on labelled faces and write a folder that says all about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rtcnn_perception.core.arrays import ImageBGR
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.training.data.batches import cut_faces
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import UNLABELLED
from rtcnn_perception.training.data.pictures import write_picture
from rtcnn_perception.training.tasks.attributes.metrics import Figures
from rtcnn_perception.training.tasks.attributes.metrics import gap
from rtcnn_perception.training.tasks.attributes.metrics import GroupFigures
from rtcnn_perception.training.tasks.attributes.metrics import judge_figures
from rtcnn_perception.training.tasks.attributes.metrics import people_figures
from rtcnn_perception.training.tasks.attributes.predictor import Judge
from rtcnn_perception.training.tasks.attributes.robustness import conditions
from rtcnn_perception.training.tasks.attributes.robustness import jitter_loss
from rtcnn_perception.training.tasks.attributes.robustness import try_conditions
from rtcnn_perception.training.tasks.attributes.scores import gender_groups
from rtcnn_perception.training.tasks.attributes.through_pipeline import PipelineFigures
from rtcnn_perception.training.tasks.drawing import draw_confusion
from rtcnn_perception.training.tasks.drawing import draw_curve
from rtcnn_perception.training.tasks.drawing import draw_faces
from rtcnn_perception.training.tasks.drawing import draw_reliability
from tqdm import tqdm

WORST = 32
"""How many mistakes the picture of the worst shows."""


@dataclass(frozen=True)
class AttributeReport:
    """
    All that is known about one attribute.

    ``robustness`` has accuracy by condition and value, ``people`` the groups, ``extra`` single
    figures such as accuracy on a part of the data.
    """

    attribute: str
    labels: tuple[str, ...]
    figures: Figures
    robustness: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    jitter: tuple[float, float] = (0.0, 0.0)
    people: dict[str, tuple[GroupFigures, ...]] = field(default_factory=dict)
    extra: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Report:
    """What ``evaluate`` found, as JSON keeps it."""

    model: str
    data: str
    faces: int
    crop: dict[str, float]
    command: str
    attributes: tuple[AttributeReport, ...]
    pipeline: dict[str, PipelineFigures] = field(default_factory=dict)

    @property
    def judged(self) -> tuple[str, ...]:
        """The attributes that were judged."""
        return tuple(part.attribute for part in self.attributes)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return asdict(self)


def evaluate(
    judge: Judge, faces: FaceSet, *, data: str, command: str, with_conditions: bool = True
) -> tuple[Report, dict[str, Probabilities]]:
    """
    Judge a model by every figure.

    :returns: the report and the probabilities it was made from
    :raises DataError: if the faces have no label for anything the model judges
    """
    answers = judge.probabilities(faces)
    judged = [name for name in answers if name in faces.labels]
    if not judged:
        raise DataError(
            f'{data} has labels of {", ".join(faces.labels)}; '
            f'{judge.name} judges {", ".join(answers)}'
        )
    curves = _curves(judge, faces) if with_conditions else {}
    reports = []
    for name in judged:
        figures = judge_figures(answers[name], faces.labels[name], judge.labels[name])
        found = curves.get(name, {})
        flat = {(a, value): accuracy for a, points in found.items() for value, accuracy in points}
        reports.append(
            AttributeReport(
                attribute=name,
                labels=judge.labels[name],
                figures=figures,
                robustness=found,
                jitter=jitter_loss(figures.accuracy, flat),
                people=_people(name, answers[name], faces),
                extra=_extra(name, answers[name], faces),
            )
        )
    report = Report(judge.name, data, len(faces), asdict(judge.geometry), command, tuple(reports))
    return report, answers


def _curves(judge: Judge, faces: FaceSet) -> dict[str, dict[str, list[tuple[float, float]]]]:
    curves: dict[str, dict[str, list[tuple[float, float]]]] = {}
    tried = tqdm(try_conditions(judge, faces), total=len(conditions()), desc='conditions')
    for condition, shares in tried:
        for name, share in shares.items():
            points = curves.setdefault(name, {}).setdefault(condition.axis, [])
            points.append((condition.value, share))
    return curves


def _people(name: str, rows: Probabilities, faces: FaceSet) -> dict[str, tuple[GroupFigures, ...]]:
    if name != 'gender' or 'age' not in faces.facts:
        return {}
    hits = rows.argmax(1) == faces.labels[name]
    return people_figures(hits, faces.facts['age'], faces.facts['race'])


def _extra(name: str, rows: Probabilities, faces: FaceSet) -> dict[str, float]:
    if name == 'gender':
        return gender_groups(rows, faces)
    majority = faces.facts.get('ferplus')
    if name != 'emotion' or majority is None or not (majority != UNLABELLED).any():
        return {}
    figures = judge_figures(rows, majority, tuple('0123456'))
    return {
        'against_ferplus_majority': figures.accuracy,
        'against_ferplus_majority_faces': float(figures.faces),
        'against_ferplus_majority_balanced': figures.balanced_accuracy,
    }


def draw_report(
    report: Report, answers: Mapping[str, Probabilities], judge: Judge, faces: FaceSet
) -> dict[str, ImageBGR]:
    """Return every picture of a report by its file name."""
    pictures: dict[str, ImageBGR] = {}
    for part in report.attributes:
        name, figures = part.attribute, part.figures
        pictures[f'{name}_confusion.png'] = draw_confusion(figures.confusion, part.labels)
        pictures[f'{name}_reliability.png'] = draw_reliability(figures.reliability)
        for axis, points in part.robustness.items():
            file = f'{name}_{axis.replace(" ", "_")}.png'
            pictures[file] = draw_curve(axis, points, figures.accuracy)
        pictures[f'{name}_worst.png'] = _worst(part, answers[name], judge, faces)
    return pictures


def _worst(part: AttributeReport, rows: Probabilities, judge: Judge, faces: FaceSet) -> ImageBGR:
    labels = faces.labels[part.attribute]
    wrong = (rows.argmax(1) != labels) & (labels != UNLABELLED)
    surest: NDArray[np.int64] = np.argsort(-rows.max(1) * wrong)[: min(WORST, int(wrong.sum()))]
    captions = [
        (
            f'is {part.labels[labels[i]]}',
            f'said {part.labels[int(rows[i].argmax())]} {rows[i].max():.0%}',
        )
        for i in surest
    ]
    return draw_faces(cut_faces(faces, judge.geometry, judge.size_hw, surest), captions)


def write_report(
    figures: Mapping[str, Any], text: str, pictures: Mapping[str, ImageBGR], folder: Path
) -> None:
    """
    Write report.md, report.json and the pictures.

    :param figures: what goes into report.json
    :raises ConfigurationError: if the folder cannot be written to
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in pictures.items():
            write_picture(picture, folder / name)
        content = json.dumps(figures, indent=1)
        (folder / 'report.json').write_text(content + '\n', encoding='utf-8')
        (folder / 'report.md').write_text(text, encoding='utf-8')
    except OSError as error:
        raise ConfigurationError(f'cannot write to the folder {folder}: {error}') from error


def worst_gaps(part: AttributeReport) -> dict[str, float]:
    """Return the gap between the best and the worst group of each kind."""
    return {kind: gap(groups) for kind, groups in part.people.items() if groups}
