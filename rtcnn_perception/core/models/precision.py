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

"""Which graph of a model runs: the one in float32, or the one in eight bits where there is one."""

from __future__ import annotations

from collections.abc import Callable
import time
from typing import Final
from typing import TypeVar

from rtcnn_perception.core.models.card import ModelCard
from rtcnn_perception.exceptions import ModelError

AUTO: Final = 'auto'
FLOAT: Final = 'float'
INT8: Final = 'int8'
PRECISIONS: Final = (AUTO, FLOAT, INT8)
"""What may be asked for: the faster graph as measured, or one of the two."""

RUNS: Final = 20
"""Runs of each graph by which the faster one is chosen: some 10 ms for an attribute network."""

Card = TypeVar('Card', bound=ModelCard)
Model = TypeVar('Model')


def load_precision(
    card: Card,
    precision: str,
    load: Callable[[Card], Model],
    run: Callable[[Model], object],
    clock: Callable[[], float] = time.perf_counter,
) -> tuple[Model, str]:
    """
    Load the graph of a precision, or for ``auto`` the one that is faster on this machine.

    With ``auto``, a graph in eight bits that cannot be loaded or run here is left out.

    :param card: of the graph in float32
    :param precision: one of ``PRECISIONS``
    :param load: makes the model of a card
    :param run: runs a model once on an input of typical size
    :param clock: seconds, to measure by
    :returns: the model, and for the log which graph it is and why; empty without a choice
    :raises ModelError: if there is no such precision, the model has no graph of it, or the graph
        cannot be used
    """
    if precision not in PRECISIONS:
        raise ModelError(f'expected a precision among {", ".join(PRECISIONS)}, got {precision!r}')
    quantised = card.int8_card()
    if precision == FLOAT:
        return load(card), 'float'
    if quantised is None:
        if precision == AUTO:
            return load(card), ''
        raise ModelError(
            f'{card.path}: expected a model with a graph in eight bits, got one without; make it '
            'with `rtcnn_perception export --int8`, or choose the precision auto or float'
        )
    if precision == INT8:
        return load(quantised), 'int8'
    in_float = load(card)
    try:
        in_int8 = load(quantised)
        run(in_int8)
    except ModelError as error:
        return in_float, f'float, as the graph in eight bits cannot be used: {error}'
    float_ms, int8_ms = _least_ms((in_float, in_int8), run, clock)
    measured = f'int8 takes {int8_ms:.2f} ms here and float {float_ms:.2f} ms'
    if int8_ms < float_ms:
        return in_int8, f'int8, as {measured}'
    return in_float, f'float, as {measured}'


def _least_ms(
    models: tuple[Model, Model], run: Callable[[Model], object], clock: Callable[[], float]
) -> tuple[float, float]:
    """
    Return the shortest time of a run of each model in milliseconds, measured in turns.

    Other work only ever adds to a time; on a busy machine medians chose the slower graph.
    """
    seconds: tuple[list[float], list[float]] = ([], [])
    for _ in range(RUNS):
        for model, times in zip(models, seconds, strict=True):
            begin = clock()
            run(model)
            times.append(clock() - begin)
    return 1e3 * min(seconds[0]), 1e3 * min(seconds[1])
