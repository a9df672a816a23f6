import os
import signal

import pytest
from rtcnn_perception.commands.run import StopRequest


@pytest.fixture
def received():
    """Return the signals that reach the handlers of before."""
    numbers = []
    before = {
        each: signal.signal(each, lambda number, _: numbers.append(number))
        for each in (signal.SIGINT, signal.SIGTERM)
    }
    yield numbers
    for each, handler in before.items():
        signal.signal(each, handler)


def test_without_a_signal_there_is_no_stop_request(received):
    with StopRequest() as stop:
        assert not stop.is_wanted
    os.kill(os.getpid(), signal.SIGINT)
    assert received == [signal.SIGINT], 'the handler of before is restored'


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_request_and_the_second_reaches_the_handler_of_before(
    received, number
):
    with StopRequest() as stop:
        os.kill(os.getpid(), number)
        assert stop.is_wanted
        assert received == []
        os.kill(os.getpid(), number)
        assert received == [number]
