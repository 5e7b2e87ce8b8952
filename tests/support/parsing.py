"""Python 3.11 parses no source amid another parse: CPython's counter of depth is one for all of them.

Garbage may be collected while a syntax tree is made. Where what is collected complains, its traceback is written, and
that parses source, too (for the marks below a line). The outer parse then ends with a SystemError, which pytest, who
was writing a failure's traceback, takes for one of its own: the whole run ends. Python 3.12 counts for each parse
(https://github.com/python/cpython/issues/106905).
"""

import ast
import functools
import gc
import sys
import threading
from typing import Any

_one_parse = threading.RLock()


def parse_one_at_a_time() -> None:
    """From now on nothing is collected while source is parsed, and no two threads parse at once."""
    if sys.version_info >= (3, 12):
        return
    parse = ast.parse

    @functools.wraps(parse)
    def parsing(*arguments: Any, **named: Any) -> Any:
        with _one_parse:
            collects = gc.isenabled()
            gc.disable()
            try:
                return parse(*arguments, **named)
            finally:
                if collects:
                    gc.enable()

    ast.parse = parsing
