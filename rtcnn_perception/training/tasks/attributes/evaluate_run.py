"""``evaluate`` from paths to a folder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from rtcnn_perception.core.attributes.classifier import AttributeClassifier
from rtcnn_perception.core.detection.registry import DetectorConfig
from rtcnn_perception.core.detection.registry import load_detector
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.resources import models_search_path
from rtcnn_perception.training.data.faces import FaceSet
from rtcnn_perception.training.data.load import find_data
from rtcnn_perception.training.data.load import load_any
from rtcnn_perception.training.models.keras_weights import KERAS_SUFFIXES
from rtcnn_perception.training.tasks.attributes.evaluate import draw_report
from rtcnn_perception.training.tasks.attributes.evaluate import evaluate
from rtcnn_perception.training.tasks.attributes.evaluate import write_report
from rtcnn_perception.training.tasks.attributes.predictor import Judge
from rtcnn_perception.training.tasks.attributes.predictor import load_judge
from rtcnn_perception.training.tasks.attributes.report import percent
from rtcnn_perception.training.tasks.attributes.report import pipeline_line
from rtcnn_perception.training.tasks.attributes.report import report_page
from rtcnn_perception.training.tasks.attributes.through_pipeline import PipelineFigures
from rtcnn_perception.training.tasks.attributes.through_pipeline import through_pipeline
import torch


def evaluate_run(
    model: Path,
    data: str,
    output: Path,
    *,
    part: str,
    margin: float | None,
    with_conditions: bool,
    emotion_votes: str = '',
    pipeline_faces: int = 0,
    yunet: str = '',
    command: str,
) -> Iterator[str]:
    """
    Judge a model and write its report.

    :param margin: another than the model's own, about the faces of the same pictures
    :param command: what asks for this, for the report
    :returns: lines for whoever asked
    :raises PerceptionError: if the model or the data is not fit, or the folder not writeable
    """
    torch.set_num_threads(1)
    if pipeline_faces and margin is not None:
        raise ConfigurationError(
            f'the pipeline cuts crops as {model} says: leave out --margin or --through-pipeline'
        )
    judge = load_judge(model)
    votes = find_data(emotion_votes) if emotion_votes else None
    splits = load_any(find_data(data), judge.geometry, tuple(judge.labels), votes=votes)
    faces = splits.part(part)
    if margin is not None:
        judge = judge.with_margin(margin)
    report, answers = evaluate(
        judge,
        faces,
        data=f'{Path(data).name} ({part})',
        command=command,
        with_conditions=with_conditions,
    )
    if pipeline_faces:
        report = replace(
            report,
            pipeline={
                name: run_pipeline(model, judge, faces, name, count=pipeline_faces, yunet=yunet)
                for name in report.judged
            },
        )
    pictures = draw_report(report, answers, judge, faces)
    write_report(report.as_dict(), report_page(report), pictures, output)
    for found in report.attributes:
        low, high = found.figures.interval
        yield (
            f'{report.model}: {found.attribute} {percent(found.figures.accuracy)} '
            f'({percent(low)} to {percent(high)}) of {found.figures.faces:,} faces, balanced '
            f'{percent(found.figures.balanced_accuracy)}, calibration error '
            f'{percent(found.figures.calibration_error)}, log-loss {found.figures.log_loss:.3f}'
        )
        for name, value in found.extra.items():
            if not name.endswith('_faces'):
                yield f'  {name.replace("_", " ")}: {percent(value)}'
        if found.robustness:
            mean, worst = found.jitter
            yield f'  box off by 10 %: {percent(mean)} lost on average, {percent(worst)} at worst'
    for name, figures in report.pipeline.items():
        yield f'  {name} {pipeline_line(figures)}'
    yield f'wrote {output / "report.md"}'


def run_pipeline(
    model: Path, judge: Judge, faces: FaceSet, attribute: str, *, count: int, yunet: str
) -> PipelineFigures:
    """
    Judge some faces through the pipeline that the nodes run.

    :raises ConfigurationError: if the model is none that the pipeline loads
    """
    if model.suffix in KERAS_SUFFIXES:
        raise ConfigurationError(f'{model} has to be exported before the pipeline can run it')
    detector = load_detector(
        DetectorConfig(name='yunet' if yunet else 'auto', model_path=yunet), models_search_path()
    ).detector
    emotion, gender = (model if attribute == name else None for name in ('emotion', 'gender'))
    chosen = np.random.default_rng(0).permutation(len(faces))[:count]
    return through_pipeline(
        faces.take(chosen),
        attribute,
        detector=detector,
        classifier=AttributeClassifier.load(emotion, gender),
        answer_directly=lambda some: judge.probabilities(some)[attribute].argmax(1).tolist(),
    )
