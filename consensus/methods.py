"""The ways of combining labels into classes, by name; a module is imported when it is asked for."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from consensus.estimate import ClassEstimate
from consensus.table import LabelTable

DEFAULT = "ibcc"

Method = Callable[..., ClassEstimate]


def _majority() -> Method:
    from consensus.majority import majority

    return majority


def _weighted_majority() -> Method:
    from consensus.weighted_majority import weighted_majority

    return weighted_majority


def _wawa() -> Method:
    from consensus.wawa import wawa

    return wawa


def _one_coin() -> Method:
    from consensus.one_coin import one_coin

    return one_coin


def _dawid_skene() -> Method:
    from consensus.dawid_skene import dawid_skene

    return dawid_skene


def _ibcc() -> Method:
    from consensus.ibcc import ibcc

    return ibcc


def _mace() -> Method:
    from consensus.mace import mace

    return mace


def _glad() -> Method:
    from consensus.glad import glad

    return glad


def _judge_panel() -> Method:
    from consensus.hybrid import aggregate_judges

    return aggregate_judges


METHODS: dict[str, Callable[[], Method]] = {
    "majority": _majority,
    "weighted_majority": _weighted_majority,
    "wawa": _wawa,
    "one_coin": _one_coin,
    "dawid_skene": _dawid_skene,
    "ibcc": _ibcc,
    "mace": _mace,
    "glad": _glad,
    "judge_panel": _judge_panel,
}


def function_of(method: str) -> Method:
    """The function of that name. Raises ValueError where there is none."""
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, not {method!r}")
    return METHODS[method]()


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
