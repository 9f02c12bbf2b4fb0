"""Where work runs on the CPU: instruction set and threads. Neither changes a bit of any result."""

from __future__ import annotations

from . import _core


def isa() -> str:
    """Name the instruction set in use.

    The widest that this CPU has, or the one that the environment variable ``FACETRY_ISA`` names.

    Raises
    ------
    ValueError
        Where ``FACETRY_ISA`` names one that this build or this CPU lacks; the message lists those it has.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.isa() in ft.available_isas()
    True

    """
    return _core.isa()


def available_isas() -> list[str]:
    """List the instruction sets that this build has and this CPU runs, widest first.

    Of ``"avx512"``, ``"avx2"`` and ``"baseline"`` on x86-64, whose CPUs all run the last; ``"neon"`` on
    aarch64.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.available_isas()[-1] in ("baseline", "neon")
    True

    """
    return _core.available_isas()


def use_isa(name: str) -> None:
    """Use an instruction set from now on, in the whole process: to test or to measure it.

    Raises
    ------
    ValueError
        For a name that is not in :func:`available_isas`; nothing changes then.

    Examples
    --------
    >>> import facetry as ft
    >>> before = ft.isa()
    >>> ft.use_isa(ft.available_isas()[-1])
    >>> ft.use_isa(before)

    """
    _core.use_isa(name)


def num_threads() -> int:
    """Give the number of threads that one call may use.

    The environment variable ``FACETRY_NUM_THREADS``, or else the number of CPUs that this process may use.

    Raises
    ------
    ValueError
        Where ``FACETRY_NUM_THREADS`` is not a number from 1 to 4096.

    Examples
    --------
    >>> import facetry as ft
    >>> ft.num_threads() >= 1
    True

    """
    return _core.num_threads()


def set_num_threads(threads: int) -> None:
    """Set the number of threads that one call may use, 1 to 4096, in the whole process.

    Raises
    ------
    ValueError
        For a number outside that range; nothing changes then.

    Examples
    --------
    >>> import facetry as ft
    >>> before = ft.num_threads()
    >>> ft.set_num_threads(2)
    >>> ft.num_threads()
    2
    >>> ft.set_num_threads(before)

    """
    _core.set_num_threads(threads)
