"""The ways of combining labels into classes, by name; a module is imported when it is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module
from typing import Any

from consensus.estimate import ClassEstimate
from consensus.table import LabelTable

DEFAULT = "ibcc"

# Name of the method, which is also that of its function, and the module it is in.
METHODS = {
    "majority": "consensus.majority",
    "weighted_majority": "consensus.weighted_majority",
    "wawa": "consensus.wawa",
    "one_coin": "consensus.one_coin",
    "dawid_skene": "consensus.dawid_skene",
    "ibcc": "consensus.ibcc",
    "mace": "consensus.mace",
    "glad": "consensus.glad",
}


def function_of(method: str) -> Callable[..., ClassEstimate]:
    """The function of that name. Raises ValueError where there is none."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    function: Callable[..., ClassEstimate] = getattr(import_module(METHODS[method]), method)
    return function


def parameters_of(method: str) -> dict[str, Any]:
    """Names and defaults of what a method takes besides the table and the seed.

    A parameter that must be given has the default `inspect.Parameter.empty`.
    """
    return {
        name: parameter.default
        for name, parameter in inspect.signature(function_of(method)).parameters.items()
        if name not in {"table", "seed"}
    }


def is_seeded(method: str) -> bool:
    """Whether the method draws at random, and so wants a seed."""
    return "seed" in inspect.signature(function_of(method)).parameters


def aggregate(
    table: LabelTable, method: str = DEFAULT, *, seed: int | None = None, **parameters: Any
) -> ClassEstimate:
    """Combine labels by the method of that name; all methods are called in one way.

    `seed` is for methods that draw at random (`is_seeded`) and makes no difference to the others.
    `parameters` are those of the method's own function (`parameters_of`).

    Raises ValueError for an unknown method or parameter, for one that is missing, for a random
    method without a seed, and where the method itself does.
    """
    function, known = function_of(method), parameters_of(method)
    unknown = sorted(set(parameters) - set(known))
    if unknown:
        takes = ", ".join(known) or "nothing"
        raise ValueError(f"{method} does not take {', '.join(unknown)}; it takes {takes}")
    missing = [
        name
        for name, default in known.items()
        if default is inspect.Parameter.empty and name not in parameters
    ]
    if missing:
        raise ValueError(f"{method} wants {', '.join(missing)}")
    if not is_seeded(method):
        return function(table, **parameters)
    if seed is None:
        raise ValueError(f"{method} draws at random: it wants a seed")
    return function(table, seed=seed, **parameters)
