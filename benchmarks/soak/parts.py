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

"""The parts of a soak: what is sent to the nodes, and what is done to them meanwhile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from collections.abc import Mapping
import random
import time

from builtin_interfaces.msg import Time
from frames import compressed_frames
from frames import Frames
from frames import raw_frames
from frames import STAMPS
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from record import Record
from rig import NODES
from rig import Rig
from rig import SoakError
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

SECOND_NS = 10**9
IN_FLIGHT = 3
"""Good frames that are sent without an answer, where none is to be dropped."""
GIVEN_UP_S = 0.25
"""After so long without an answer the next frame is sent all the same."""
FLOW_S = 0.005
"""Between frames that are sent whatever becomes of them."""
SILENCE_S = 0.6
"""Above the image_timeout that the parameter changes set."""

LIVE: tuple[tuple[str, str, object, bool], ...] = (
    ('camera', 'image_timeout', 0.5, True),
    ('camera', 'image_timeout', -1.0, False),
    ('camera', 'frame_id', 'another', False),
    ('detector', 'detector.min_score', 0.7, True),
    ('detector', 'detector.min_score', 7.0, False),
    ('detector', 'detector.every_n', 4, True),
    ('detector', 'detector.every_n', 'four', False),
    ('detector', 'tracker.max_tracks', 1, True),
    ('detector', 'tracker.max_tracks', 10**9, False),
    ('classifier', 'smoothing.time_constant', 0.0, True),
    ('classifier', 'smoothing.time_constant', float('nan'), False),
    ('classifier', 'label.margin', 0.5, True),
    ('classifier', 'saliency.target', 'x' * 10_000, False),
    ('detector', 'tracker.max_tracks', 64, True),
    ('detector', 'detector.every_n', 1, True),
    ('detector', 'detector.min_score', 0.0, True),
    ('classifier', 'smoothing.time_constant', 0.5, True),
    ('classifier', 'label.margin', 0.05, True),
    ('camera', 'image_timeout', 2.0, True),
)
"""Changes of parameters while frames flow: node, name, value, and whether it is accepted."""


class TopicPart:
    """Frames over a topic, in segments, each with another disturbance."""

    def __init__(
        self,
        rig: Rig,
        record: Record,
        frames: Frames,
        topic: str,
        chance: random.Random,
        *,
        is_composed: bool,
    ) -> None:
        self.rig, self.record, self.frames = rig, record, frames
        self.chance, self.is_composed = chance, is_composed
        self._topic = topic
        self._type = Image if topic == 'image_raw' else CompressedImage
        self._good = [msg for each in frames.good.values() for msg in each]
        self._bad = [msg for each in frames.bad.values() for msg in each]
        self._either = [msg for each in frames.either.values() for msg in each]
        self._bad_stamps: set[int] = set()
        self._pending: dict[int, float] = {}
        self._last_ns = 0
        self._status: dict[str, dict[str, str]] = {}
        self.publisher = self._publisher(ReliabilityPolicy.RELIABLE)

    def _publisher(self, reliability: ReliabilityPolicy) -> Publisher:
        profile = QoSProfile(depth=5, reliability=reliability)
        node = self.rig.node
        made: Publisher = self.rig.do(
            lambda: node.create_publisher(self._type, self._topic, profile)
        )
        return made

    def publish_anew(self) -> None:
        """Replace the publisher by one of another reliability, as a driver that restarts."""
        self.rig.do(lambda: self.rig.node.destroy_publisher(self.publisher))
        self.publisher = self._publisher(
            self.chance.choice((ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT))
        )

    def send(self, kind: str = 'good', *, is_counted: bool = True) -> int:
        """Send a frame and return its stamp in ns."""
        choice = {'good': self._good, 'bad': self._bad, 'either': self._either}[kind]
        msg = self.chance.choice(choice)
        now_ns = max(time.time_ns(), self._last_ns + 1)
        self._last_ns = now_ns
        seconds, rest = divmod(now_ns, SECOND_NS)
        msg.header.stamp = Time(sec=seconds, nanosec=rest)
        if kind == 'bad' and self.chance.random() < 0.1:
            msg = self.chance.choice(self._good)
            sec, nanosec = STAMPS[self.chance.choice(sorted(STAMPS))]
            msg.header.stamp = Time(sec=sec, nanosec=nanosec)
        elif kind == 'bad':
            self._bad_stamps.add(now_ns)
        self.publisher.publish(msg)
        self.record.sent[kind] += is_counted
        if kind == 'good':
            self._pending[now_ns] = time.monotonic()
        return now_ns

    def keep_pace(self) -> None:
        """Wait while too many frames have no answer yet."""
        while True:
            for stamp in [each for each in self._pending if self.rig.answers[each]]:
                del self._pending[stamp]
            oldest = min(self._pending.values(), default=0.0)
            if len(self._pending) < IN_FLIGHT:
                return
            if time.monotonic() - oldest > GIVEN_UP_S:
                self._pending.clear()
                return
            time.sleep(0.0005)

    def synchronise(self, *, is_counted: bool = True) -> None:
        """Send good frames one by one until one is answered: then nothing is on its way."""
        for _ in range(200):
            self.rig.check()
            stamp = self.send(is_counted=is_counted)
            end = time.monotonic() + 2.0
            while time.monotonic() < end:
                if self.rig.answers[stamp]:
                    self._pending.clear()
                    return
                time.sleep(0.002)
        raise SoakError('no good frame is answered')

    # Segments: each takes how many frames it sends.

    def steady(self, count: int) -> None:
        """Send good frames alone."""
        for _ in range(count):
            self.keep_pace()
            self.send()

    def mixed(self, count: int) -> None:
        """Send good and damaged frames by turns."""
        for _ in range(count):
            self.keep_pace()
            draw = self.chance.random()
            is_either = draw < 0.1 and self._either
            self.send('either' if is_either else 'bad' if draw < 0.45 else 'good')

    def bursts(self, count: int) -> None:
        """Send frames faster than any node follows."""
        for number in range(count):
            self.send('bad' if number % 5 == 0 else 'good')
            if number % 30 == 29:
                time.sleep(0.3)
                self._pending.clear()

    def silence(self, count: int) -> None:
        """Pause the camera, which diagnostics report, and go on."""
        self.rig.set_parameter('camera', 'image_timeout', SILENCE_S / 2)
        for _ in range(2):
            time.sleep(SILENCE_S)
            self.rig.wait(
                lambda: 'no image for' in self.rig.status['camera']['says'], 'a silent camera'
            )
            self.record.events['cameras silent, reported'] += 1
            self.steady(count // 2)
            self.rig.set_parameter('camera', 'image_timeout', 30.0)
            self.rig.wait(
                lambda: 'no image for' not in self.rig.status['camera']['says'], 'its return'
            )
            self.rig.set_parameter('camera', 'image_timeout', SILENCE_S / 2)
        self.rig.set_parameter('camera', 'image_timeout', 2.0)

    def parameters(self, count: int) -> None:
        """Change parameters, to good and to bad values."""
        for node, name, value, is_good in LIVE:
            self.mixed(count // len(LIVE))
            accepted = self.rig.set_parameter(node, name, value)
            if accepted != is_good:
                raise SoakError(f'{name} = {str(value)[:40]!r} of {node} accepted: {accepted}')
            self.record.events[f'parameters {"changed" if is_good else "refused"}'] += 1

    def flow(self, count: int) -> None:
        """Send good and damaged frames at a steady rate, whether or not they are answered."""
        for number in range(count):
            self.send('bad' if number % 4 == 0 else 'good')
            time.sleep(FLOW_S)
        self._pending.clear()

    def transitions(self, count: int) -> None:
        """Deactivate nodes, clean them up and bring them back while frames flow."""
        for number in range(8):
            node = NODES[number % 3]
            steps = ['deactivate', 'activate']
            if number % 2:
                steps[1:1] = ['cleanup', 'configure']
            for step in steps:
                if not self.rig.change_state(node, step):
                    raise SoakError(f'{node} does not {step}')
                self.flow(count // 20)
            self.record.events['lifecycle cycles'] += 1

    def drivers(self, count: int) -> None:
        """Restart the driver of the camera."""
        for _ in range(2):
            self.publish_anew()
            self.record.events['drivers restarted'] += 1
            self.synchronise()
            self.steady(count // 2)

    def kills(self, count: int) -> None:
        """Kill processes and start them again."""
        for number in range(3):
            node = NODES[number]
            self.rig.kill(node)
            self.record.events['processes killed'] += 1
            self.flow(count // 6)
            self.rig.start(node)
            self.synchronise()
            self.steady(count // 6)

    # Counting

    def run(self, segment: Callable[[int], None], count: int, *, is_exact: bool) -> None:
        """Run a segment and count what became of its frames."""
        before_sent = self.record.frames
        before = self._status or self.rig.fresh_status()
        begin = time.monotonic()
        segment(count)
        self.synchronise()
        sent = self.record.frames - before_sent
        end = time.monotonic() + 10.0
        while True:
            self._status = self.rig.fresh_status()
            found = self._found(before, self._status)
            if not is_exact:  # a node counts from its activation on
                found['answered'] = len(self.rig.answers)
            missing = sent - sum(found.values())
            if not missing or not is_exact or time.monotonic() > end:
                break
        self._note(found, missing, segment.__name__, is_exact=is_exact)
        seconds = time.monotonic() - begin
        print(f'  {segment.__name__}: {sent} frames, {seconds:.1f} s', flush=True)

    def _found(
        self, before: Mapping[str, Mapping[str, str]], after: Mapping[str, Mapping[str, str]]
    ) -> Counter[str]:
        """Return what became of frames between two states of the diagnostics."""

        def grown(node: str, key: str) -> int:
            return max(int(after[node][key]) - int(before[node][key]), 0)

        nodes = NODES if self.is_composed else ('camera', 'classifier')
        found: Counter[str] = Counter(answered=grown('classifier', 'frames published'))
        for node in nodes:
            found['dropped'] += grown(node, 'frames dropped')
            found['lost'] += grown(node, 'frames lost')
            found['refused'] += grown(node, 'errors')
        return found

    def _note(self, found: Counter[str], missing: int, name: str, *, is_exact: bool) -> None:
        record = self.record
        record.counts.update(found)
        record.counts['aside' if not is_exact else 'unaccounted'] += missing
        twice = sum(count > 1 for count in self.rig.answers.values())
        bad = sum(self.rig.answers[each] > 0 for each in self._bad_stamps)
        record.counts.update(received=len(self.rig.answers), twice=twice, bad_answered=bad)
        if is_exact and missing:
            record.wrong.append(f'{missing} frames of {name} are counted nowhere: {dict(found)}')
        if twice or bad:
            record.wrong.append(f'in {name} {twice} answered twice, {bad} damaged ones answered')
        self.rig.answers.clear()
        self._bad_stamps.clear()


def frames_of(kind: str) -> Frames:
    """Return the frames of a part."""
    return compressed_frames() if kind == 'compressed' else raw_frames()
