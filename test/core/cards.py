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

"""Cards with one field changed, and the message with which a card is refused."""

from __future__ import annotations

import copy
from pathlib import Path
import re
from typing import Any

import pytest
from rtcnn_perception.core.models.card import ModelCard
from rtcnn_perception.exceptions import ModelError
from tiny_model import write_model

GRAPH = b'not read as a graph here'

Content = dict[str, Any]


def with_field(card: Content, path: str, value: object) -> Content:
    """Return a copy of a card with a value at a path such as ``heads.0.labels``."""
    changed = copy.deepcopy(card)
    place, last = _place_of(changed, path)
    place[last] = value
    return changed


def without_field(card: Content, path: str) -> Content:
    """Return a copy of a card without the field at a path."""
    changed = copy.deepcopy(card)
    place, last = _place_of(changed, path)
    del place[last]
    return changed


def field_name(path: str) -> str:
    """Return the name by which a message calls a field: ``heads[0].labels``."""
    return re.sub(r'\.(\d+)', r'[\1]', path)


def card_refusal(kind: type[ModelCard], directory: Path, card: Content) -> str:
    """Return the one line with which a card is refused; it names the card and says what to do."""
    with pytest.raises(ModelError) as refusal:
        kind.load(write_model(directory, GRAPH, card))
    message = str(refusal.value)
    assert message.startswith(str(directory / 'model.json'))
    assert 'rtcnn_perception export' in message
    assert '\n' not in message
    return message


def _place_of(card: Any, path: str) -> tuple[Any, Any]:
    *way, last = (int(key) if key.isdigit() else key for key in path.split('.'))
    for key in way:
        card = card[key]
    return card, last
