"""Calls functions with lasting effects in a process of their own."""

import json
import os
import traceback
from collections.abc import Callable
from typing import Any


def in_child(function: Callable[[], Any]) -> Any:
    """Calls a function in a forked child; returns its result, which must be JSON."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = {"value": function()}
        except BaseException:  # noqa: BLE001 - the test's process shows it
            answer = {"error": traceback.format_exc()}
        try:
            os.write(write, json.dumps(answer).encode())
        finally:
            os._exit(0)
    os.close(write)
    with os.fdopen(read, "rb") as file:
        text = file.read()
    os.waitpid(child, 0)
    answer = json.loads(text)
    assert "error" not in answer, answer["error"]
    return answer["value"]
