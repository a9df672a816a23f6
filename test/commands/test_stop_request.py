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

import os
import signal

import pytest
from rtcnn_perception.commands.run import StopRequest
from rtcnn_perception.process import END_SIGNALS


@pytest.fixture
def received():
    """Return the signals that reach the handlers of before."""
    numbers = []
    before = {
        each: signal.signal(each, lambda number, _: numbers.append(number)) for each in END_SIGNALS
    }
    yield numbers
    for each, handler in before.items():
        signal.signal(each, handler)


def test_without_a_signal_there_is_no_stop_request(received):
    with StopRequest() as stop:
        assert not stop.is_wanted
    for number in END_SIGNALS:
        os.kill(os.getpid(), number)
    assert received == [*END_SIGNALS], 'the handlers of before are restored'


@pytest.mark.parametrize('number', END_SIGNALS)
def test_the_first_signal_is_a_request_and_a_second_sigint_reaches_the_handler_of_before(
    received, number
):
    with StopRequest() as stop:
        os.kill(os.getpid(), number)
        assert stop.is_wanted
        assert received == []
        os.kill(os.getpid(), number)
        assert received == ([number] if number == signal.SIGINT else [])


def test_a_hangup_that_is_ignored_as_by_nohup_stays_ignored(received):
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with StopRequest() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert not stop.is_wanted
    assert received == []
