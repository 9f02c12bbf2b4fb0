"""Exceptions of facetry beyond the built-in ones."""


class UnsupportedLayer(ValueError):  # noqa: N818 - the name is part of the public API
    """A network holds a layer that facetry does not know; the message names it and its place.

    Examples
    --------
    >>> import facetry as ft
    >>> issubclass(ft.UnsupportedLayer, ValueError)
    True

    """
