"""Input boxes of .vnnlib properties: the part of SMT-LIB that bounds ``X_i`` by constants, and no more."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import numpy.typing as npt

_TOKEN = re.compile(r"\s+|;[^\n]*|([()]|[^\s();]+)")
_INPUT = re.compile(r"X_(0|[1-9][0-9]*)")
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?")
_MAX_DEPTH = 100  # of real properties: 4

Expression = Any  # a token, or a list of expressions


def parse_vnnlib(data: bytes) -> npt.NDArray[np.float64]:
    """Read the input box of a property; see :func:`facetry.load_vnnlib`."""
    box = _Box()
    for form in _forms(data.decode("utf-8")):
        head = form[0] if isinstance(form, list) and form else form
        if head in ("declare-const", "declare-fun"):
            box.declare(form)
        elif head != "assert":
            raise ValueError(f"unknown command {_text(form)}, expected declare-const or assert")
        elif len(form) != 2:
            raise ValueError(f"{_text(form)} must have one condition")
        elif _inputs_in(form):
            box.restrict(form[1])
    return box.finish()


class _Box:
    def __init__(self) -> None:
        self._bounds: dict[str, list[float]] = {}

    def declare(self, form: list[Expression]) -> None:
        name = form[1] if len(form) > 1 else ""
        if not isinstance(name, str) or form[-1] != "Real":
            raise ValueError(f"{_text(form)} is not the declaration of a Real")
        if _INPUT.fullmatch(name):
            if name in self._bounds:
                raise ValueError(f"{name} is declared twice")
            self._bounds[name] = [-np.inf, np.inf]

    def restrict(self, condition: Expression) -> None:
        """Intersect the box with a condition that speaks of inputs; and-s and single or-s may be nested."""
        pending = [condition]
        while pending:
            part = pending.pop()
            head = part[0] if isinstance(part, list) and part else None
            options = [option for option in part[1:] if _inputs_in(option)] if head == "or" else []
            if len(options) > 1:
                raise ValueError(f"the inputs are in one of {len(options)} boxes (an or), expected one box")
            if head == "and" or (head == "or" and len(part) == 2):
                pending += part[1:]
            elif _inputs_in(part):
                self._bound(part)

    def _bound(self, part: Expression) -> None:
        if not isinstance(part, list) or len(part) != 3 or part[0] not in ("<=", ">="):
            raise ValueError(f"{_text(part)} does not bound an input by a number")
        smaller, larger = part[1:] if part[0] == "<=" else part[:0:-1]
        upper = _number(larger)
        name, value = (larger, _number(smaller)) if upper is None else (smaller, upper)
        if value is None or not isinstance(name, str) or not _INPUT.fullmatch(name):
            raise ValueError(f"{_text(part)} does not bound an input by a number")
        if name not in self._bounds:
            raise ValueError(f"{name} in {_text(part)} is not declared")
        bounds = self._bounds[name]
        if upper is None:
            bounds[0] = max(bounds[0], value)
        else:
            bounds[1] = min(bounds[1], value)

    def finish(self) -> npt.NDArray[np.float64]:
        names = [f"X_{i}" for i in range(len(self._bounds))]
        if not names:
            raise ValueError("no input X_0 is declared")
        for name in names:
            if name not in self._bounds:
                raise ValueError(f"{len(names)} inputs are declared, but not {name}")
            low, high = self._bounds[name]
            if not np.isfinite([low, high]).all():
                raise ValueError(f"{name} has no {'upper' if np.isfinite(low) else 'lower'} bound")
            if low > high:
                raise ValueError(f"{name} has the lower bound {low}, above its upper bound {high}")
        return np.array([self._bounds[name] for name in names])


def _forms(text: str) -> list[Expression]:
    """Split a text into nested lists, without recursion."""
    stack: list[list[Expression]] = [[]]
    for match in _TOKEN.finditer(text):
        token = match.group(1)
        if token == "(":
            stack.append([])
            if len(stack) > _MAX_DEPTH:
                raise ValueError(f"more than {_MAX_DEPTH - 1} parentheses inside each other")
        elif token == ")":
            if len(stack) == 1:
                raise ValueError(f"')' without '(' at character {match.start()}")
            done = stack.pop()
            stack[-1].append(done)
        elif token:
            stack[-1].append(token)
    if len(stack) > 1:
        raise ValueError(f"{len(stack) - 1} parentheses are not closed: is the file truncated?")
    return stack[0]


def _inputs_in(expression: Expression) -> bool:
    """Tell whether an input is named anywhere in an expression."""
    pending = [expression]
    while pending:
        part = pending.pop()
        if isinstance(part, list):
            pending += part
        elif part.startswith("X_"):
            return True
    return False


def _number(expression: Expression) -> float | None:
    """Read ``0.5``, ``-0.5`` or ``(- 0.5)``."""
    negative = isinstance(expression, list) and len(expression) == 2 and expression[0] == "-"
    text = expression[1] if negative else expression
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        return None
    value = float(text)
    if math.isinf(value):
        return None
    return -value if negative else value


def _text(expression: Expression) -> str:
    """Show the beginning of an expression in a message."""
    tokens: list[str] = []
    pending = [expression]
    while pending and len(tokens) < 12:
        part = pending.pop()
        if isinstance(part, list):
            pending += [")", *part[::-1], "("]
        else:
            tokens.append(part)
    shown = " ".join(tokens).replace("( ", "(").replace(" )", ")")
    return f"{shown[:60]} ..." if pending or len(shown) > 60 else shown
