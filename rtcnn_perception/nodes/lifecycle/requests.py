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

"""
Requests to a node's services: each is answered, whatever it holds.

rclpy raises out of a service where it cannot read a request. Its executor would end the process,
and the caller would wait without end.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import SetParameters
from rcl_interfaces.srv import SetParametersAtomically
from rclpy.exceptions import ParameterException
from rclpy.parameter import Parameter
from rtcnn_perception.exceptions import ConfigurationError
from rtcnn_perception.nodes.log_text import message_of
from rtcnn_perception.one_line import bounded

Answer = Callable[[Any, Any], object]
"""Takes request and response of a service, and returns the response."""

_TYPES = {each.value for each in Parameter.Type}


@contextmanager
def refused_parameters() -> Iterator[None]:
    """
    Report in one line a parameter that rclpy refuses where a node is made.

    :raises ConfigurationError: instead of rclpy's own errors
    """
    try:
        yield
    except ParameterException as error:
        raise ConfigurationError(message_of(error)) from error


def guarded(answer: Answer, report: Callable[[Exception], None]) -> Answer:
    """
    Return a service's callback that does not raise.

    :param answer: the callback
    :param report: called with what it raises; the request is then answered with a refusal, or with
        an empty response where that has no place for one
    """

    def answered(request: object, response: object) -> object:
        kind: type[Any] = type(response)
        if isinstance(request, SetParameters.Request) and len(request.parameters) > 1:
            # One that is refused must not hide that those before it were set.
            singles = [SetParameters.Request(parameters=[each]) for each in request.parameters]
            responses: list[Any] = [answered(each, kind()) for each in singles]
            return kind(results=[each.results[0] for each in responses])
        try:
            _check_types(request)
            return answer(request, response)
        except Exception as error:  # noqa: BLE001 - reported; the caller must not wait without end
            report(error)
            return _refusal(kind, message_of(error))

    return answered


def _check_types(request: object) -> None:
    if not isinstance(request, SetParameters.Request | SetParametersAtomically.Request):
        return
    for each in request.parameters:
        if each.value.type not in _TYPES:
            raise ConfigurationError(
                f'parameter {bounded(each.name)} must have a type of rcl_interfaces/ParameterType,'
                f' got type {each.value.type}'
            )


def _refusal(kind: type[Any], reason: str) -> object:
    result = SetParametersResult(successful=False, reason=reason)
    if kind is SetParameters.Response:
        return kind(results=[result])
    if kind is SetParametersAtomically.Response:
        return kind(result=result)
    return kind()
