"""Work in a process of its own, whose memory and connections are its own."""

from __future__ import annotations

import json
import os
import traceback
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


def in_child(work: Callable[[], Any]) -> Any:
    """Run *work* in a forked child and give what it returns, by way of JSON."""
    ends, begins = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            answer = json.dumps(work())
            os.write(begins, answer.encode())
            code = 0
        except Exception:  # noqa: BLE001  (a child must not run on as the parent)
            traceback.print_exc()
        finally:
            os._exit(code)
    os.close(begins)
    with os.fdopen(ends) as pipe:
        answer = pipe.read()
    _, status = os.waitpid(child, 0)
    assert status == 0, "a contender failed"
    return json.loads(answer)
