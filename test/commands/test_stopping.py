import os
import signal

import pytest
from rtcnn_perception.commands.stopping import StopRequest


@pytest.fixture
def heard():
    """Return the signals that came to whoever listened before."""
    numbers = []
    before = {
        each: signal.signal(each, lambda number, _: numbers.append(number))
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    yield numbers
    for each, handler in before.items():
        signal.signal(each, handler)


def test_without_a_signal_nobody_wants_to_stop(heard):
    with StopRequest() as stop:
        assert not stop.is_wanted
    os.kill(os.getpid(), signal.SIGINT)
    assert heard == [signal.SIGINT], 'the handler of before is back'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish_and_the_second_is_not(heard, number):
    with StopRequest() as stop:
        os.kill(os.getpid(), number)
        assert stop.is_wanted
        assert heard == []
        os.kill(os.getpid(), number)
        assert heard == [number]
