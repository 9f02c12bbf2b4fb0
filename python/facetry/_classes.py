"""The class of a point: its largest output, its lowest, or the sign of a single one."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt


def rule_of(outputs: int, lowest_wins: bool) -> str:
    """Name the rule: ``"sign"`` for one output, else ``"argmin"`` or ``"argmax"``."""
    return "sign" if outputs == 1 else "argmin" if lowest_wins else "argmax"


def classify(outputs: npt.NDArray[np.floating[Any]], rule: str) -> npt.NDArray[np.int64]:
    """Give the class of every row of outputs; the first of equal outputs wins.

    By sign the class is 1 where the output is positive, else 0.
    """
    if rule == "sign":
        return (outputs[:, 0] > 0).astype(np.int64)
    winner: npt.NDArray[np.int64] = outputs.argmin(axis=1) if rule == "argmin" else outputs.argmax(axis=1)
    return winner


def lead(outputs: npt.NDArray[np.floating[Any]], rule: str) -> npt.NDArray[np.float64]:
    """Give by how much the class of every row leads before the next one; by sign the output's magnitude."""
    if rule == "sign":
        return np.abs(outputs[:, 0].astype(np.float64))
    scores = -outputs if rule == "argmin" else outputs
    best_two = np.partition(scores, -2, axis=1)[:, -2:].astype(np.float64)
    ahead: npt.NDArray[np.float64] = best_two[:, 1] - best_two[:, 0]
    return ahead
