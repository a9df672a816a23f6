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

"""What became of the frames of a part."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import field

from rig import Resources

MOST_GROWTH = {'resident_mb': 30.0, 'shared_memory_mb': 1.0, 'descriptors': 3, 'threads': 2}
"""From the middle of a part to its end, where all caches and pools are filled."""


@dataclass
class Record:
    """
    What became of the frames of a part.

    ``answered`` counts published results, ``received`` those that came here; ``aside`` are frames
    sent while a node was not active or not running. ``unaccounted`` is what is left of those
    sent, ``bad_answered`` the damaged ones that were taken for good.
    """

    kind: str
    sent: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    resources: list[Resources] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    seconds: float = 0.0

    def check_growth(self) -> None:
        """Note as wrong what grew from the middle of the part to its end."""
        if len(self.resources) < 3:
            return
        _, middle, end = map(asdict, self.resources)
        for name, limit in MOST_GROWTH.items():
            if end[name] > middle[name] + limit:
                self.wrong.append(f'{name} grew from {middle[name]:g} to {end[name]:g}')

    @property
    def frames(self) -> int:
        """Return the number of frames, good and bad."""
        return sum(self.sent.values())

    def as_dict(self) -> dict[str, object]:
        """Return it as JSON has it."""
        return {**vars(self), 'resources': [asdict(each) for each in self.resources]}
