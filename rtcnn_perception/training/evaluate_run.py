"""``evaluate`` from paths to a folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rtcnn_perception.training.data import find_data
from rtcnn_perception.training.data import load_any
from rtcnn_perception.training.evaluate import draw_report
from rtcnn_perception.training.evaluate import evaluate
from rtcnn_perception.training.evaluate import write_report
from rtcnn_perception.training.judges import load_judge
from rtcnn_perception.training.report_page import percent
from rtcnn_perception.training.report_page import report_page
import torch

SPLIT_SEED = 1
"""Parts Training as the configurations that ship do."""


def evaluate_run(
    model: Path,
    data: str,
    output: Path,
    *,
    part: str,
    margin: float | None,
    with_conditions: bool,
) -> Iterator[str]:
    """
    Judge a model and write its report.

    :returns: lines for whoever asked
    :raises PerceptionError: if the model or the data is not fit, or the folder not writeable
    """
    torch.set_num_threads(1)
    judge = load_judge(model, margin)
    faces = load_any(find_data(data), judge.geometry, tuple(judge.labels), SPLIT_SEED).part(part)
    command = f'rtcnn_perception evaluate {model} {data} --part {part}'
    if margin is not None:
        command += f' --margin {margin}'
    report, answers = evaluate(
        judge,
        faces,
        data=f'{Path(data).name} ({part})',
        command=command,
        with_conditions=with_conditions,
    )
    pictures = draw_report(report, answers, judge, faces)
    write_report(report, report_page(report), pictures, output)
    for found in report.attributes:
        low, high = found.figures.interval
        yield (
            f'{report.model}: {found.attribute} {percent(found.figures.accuracy)} '
            f'({percent(low)} to {percent(high)}) of {found.figures.faces:,} faces, balanced '
            f'{percent(found.figures.balanced_accuracy)}, calibration error '
            f'{percent(found.figures.calibration_error)}'
        )
        for name, value in found.extra.items():
            if not name.endswith('_faces'):
                yield f'  {name.replace("_", " ")}: {percent(value)}'
        if found.robustness:
            mean, worst = found.jitter
            yield f'  box off by 10 %: {percent(mean)} lost on average, {percent(worst)} at worst'
    yield f'wrote {output / "report.md"}'
