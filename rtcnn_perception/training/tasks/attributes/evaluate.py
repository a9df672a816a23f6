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

"""Evaluate an attribute network on labelled faces, from paths to a folder with a report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from dataclasses import replace
from pathlib import Path

import numpy as np
from rtcnn_perception.core.arrays import Probabilities
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.detection.base import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.core.models.precision import FLOAT
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.classes import UNLABELLED
from rtcnn_perception.training.data.faces import DataError
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.faces import PARTS
from rtcnn_perception.training.data.faces import Splits
from rtcnn_perception.training.data.heads import load_for_heads
from rtcnn_perception.training.data.sources import AttributeData
from rtcnn_perception.training.models.exported_weights import is_exported
from rtcnn_perception.training.tasks.attributes.groups import group_figures
from rtcnn_perception.training.tasks.attributes.metrics import compute_figures
from rtcnn_perception.training.tasks.attributes.metrics import has_labels
from rtcnn_perception.training.tasks.attributes.metrics import summarise_part
from rtcnn_perception.training.tasks.attributes.predictor import load_predictor
from rtcnn_perception.training.tasks.attributes.predictor import Predictor
from rtcnn_perception.training.tasks.attributes.report import AttributeReport
from rtcnn_perception.training.tasks.attributes.report import draw_report
from rtcnn_perception.training.tasks.attributes.report import Report
from rtcnn_perception.training.tasks.attributes.report import report_page
from rtcnn_perception.training.tasks.attributes.report import selection_line
from rtcnn_perception.training.tasks.attributes.report import summary_lines
from rtcnn_perception.training.tasks.attributes.robustness import accuracy_curves
from rtcnn_perception.training.tasks.attributes.robustness import jitter_loss
from rtcnn_perception.training.tasks.attributes.through_pipeline import PipelineFigures
from rtcnn_perception.training.tasks.attributes.through_pipeline import through_pipeline
from rtcnn_perception.training.tasks.reporting import write_report
import torch

MOST_DIGITS = 9
"""Digits of a number that facts are compared with; NumPy's integers hold it."""


def evaluate(
    predictor: Predictor,
    faces: FaceSet,
    *,
    data: str,
    command: str,
    selection: str = '',
    with_conditions: bool = True,
) -> tuple[Report, dict[str, Probabilities]]:
    """
    Compute every figure of a model.

    :param faces: with labels by the names of the model's classes, in any order
    :param selection: which faces these are, and of how many
    :returns: the report and the probabilities it was made from
    :raises DataError: if no face has a label of any attribute of the model
    :raises UnknownClassError: if a label has a class that the model lacks
    """
    faces = faces.with_classes(predictor.classes)
    labelled = [name for name in predictor.classes if has_labels(faces, name)]
    if not labelled:
        raise DataError(f'none of the faces has a label of {", ".join(predictor.classes)}')
    probabilities = predictor.probabilities(faces)
    curves = accuracy_curves(predictor, faces) if with_conditions else {}
    summary = summarise_part(probabilities, faces)
    reports = []
    for name in labelled:
        rows = probabilities[name]
        classes, found = predictor.classes[name], curves.get(name, {})
        figures = compute_figures(rows, faces.labels[name].indices, classes)
        metrics = {
            key.removeprefix(f'{name}.'): value
            for key, value in summary.items()
            if key.startswith(f'{name}.')
        }
        jitter, groups = jitter_loss(figures.accuracy, found), group_figures(rows, name, faces)
        reports.append(AttributeReport(name, classes, figures, metrics, found, jitter, groups))
    crop = asdict(predictor.geometry)
    report = Report(
        predictor.name,
        data,
        len(faces),
        crop,
        command,
        tuple(reports),
        selection=selection,
        notes=predictor.notes,
    )
    return report, probabilities


def select_faces(splits: Splits, part: str, where: tuple[str, ...]) -> FaceSet:
    """
    Return the faces of a part for which every condition holds.

    :param where: such as 'age>=20', or 'race=black' with a name
    :raises ConfigurationError: if a condition is none, or leaves no face
    """
    faces = splits.part(part)
    for condition in where:
        name, is_least, value = condition.partition('>=')
        if not is_least:
            name, is_equal, value = condition.partition('=')
            if not is_equal or name.endswith(('<', '>', '!')):
                raise ConfigurationError(
                    f'--where {condition} is no condition; expected NAME>=NUMBER or NAME=VALUE'
                )
        if is_least:
            fact = faces.facts.get(name)
            is_number = value.isdecimal() and len(value) <= MOST_DIGITS
            if fact is None or fact.names or not is_number:
                numbers = [key for key, each in faces.facts.items() if not each.names]
                raise ConfigurationError(
                    f'--where {condition} must compare a number, of {", ".join(numbers)}, with one'
                    if numbers
                    else f'--where {condition} cannot be: the data has no numbers, such as age'
                )
            chosen = fact.values >= int(value)
        else:
            fact = faces.groups(name)
            if value not in fact.names:
                known = ', '.join(fact.names)
                raise ConfigurationError(f'--where {condition} must name one of {known}')
            chosen = fact.values == fact.names.index(value)
        faces = faces.take(chosen)
    if not len(faces):
        raise ConfigurationError(f'--where {" ".join(where)} leaves no face')
    return faces


def evaluate_run(
    model: Path,
    source: AttributeData,
    output: Path,
    *,
    part: str,
    where: tuple[str, ...] = (),
    margin: float | None = None,
    with_conditions: bool = True,
    pipeline_faces: int = 0,
    detector: DetectorConfig | None = None,
    precision: str = FLOAT,
    command: str,
) -> Iterator[str]:
    """
    Evaluate a model and write its report.

    :param source: the data and the options of its reader
    :param where: conditions that faces must meet
    :param margin: another than the model's own, about the faces of the same pictures
    :param pipeline_faces: how many faces are classified through the pipeline as well
    :param precision: which graph of an exported model
    :param command: the command line, for the report
    :returns: lines for the terminal
    :raises PerceptionError: if model or data is not fit, or the folder cannot be written to
    """
    torch.set_num_threads(1)
    if pipeline_faces and margin is not None:
        raise ConfigurationError(
            f'the pipeline cuts crops as {model} says: leave out --margin or --through-pipeline'
        )
    predictor = load_predictor(model, precision)
    splits = load_for_heads(predictor.classes, source, predictor.geometry)
    faces = select_faces(splits, part, where)
    if margin is not None:
        predictor = predictor.with_margin(margin)
    yield from (*splits.train.notes, *predictor.notes)  # those of the data are of all parts
    available = sum(len(getattr(splits, each)) for each in PARTS)
    selection = selection_line(part, where, len(faces), available)
    yield selection
    names = ', '.join(Path(path).name for path in source.path)
    data = ', '.join((f'{names} ({part})', *where))
    report, probabilities = evaluate(
        predictor,
        faces,
        data=data,
        command=command,
        selection=selection,
        with_conditions=with_conditions,
    )
    if pipeline_faces:
        figures = {
            each.attribute: run_pipeline(
                model,
                predictor,
                faces,
                each.attribute,
                count=pipeline_faces,
                detector=detector,
                precision=precision,
            )
            for each in report.attributes
        }
        report = replace(report, pipeline=figures)
    pictures = draw_report(report, probabilities, predictor, faces)
    page = write_report(asdict(report), report_page(report), pictures, output)
    yield from summary_lines(report)
    yield f'wrote {page}'


def run_pipeline(
    model: Path,
    predictor: Predictor,
    faces: FaceSet,
    attribute: str,
    *,
    count: int,
    detector: DetectorConfig | None = None,
    precision: str = FLOAT,
) -> PipelineFigures:
    """
    Classify some faces through the pipeline that the nodes run.

    :raises ConfigurationError: if the model is none that the pipeline loads
    """
    if not is_exported(model):
        raise ConfigurationError(f'{model} has to be exported before the pipeline can run it')
    labelled = np.flatnonzero(faces.labels[attribute].indices != UNLABELLED)
    chosen = np.random.default_rng(0).permutation(labelled)[:count]

    def predict_directly(some: FaceSet) -> list[str]:
        rows = predictor.probabilities(some)[attribute]
        return [predictor.classes[attribute][index] for index in rows.argmax(1)]

    return through_pipeline(
        faces.take(chosen),
        attribute,
        detector=load_detector(detector or DetectorConfig(), models_search_path()).detector,
        classifier=AttributeClassifier.load({attribute: model}, precision=precision),
        predict_directly=predict_directly,
    )
