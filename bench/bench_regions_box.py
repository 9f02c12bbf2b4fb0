"""All regions of a network in a box and in all of space.

The peers do not install beside us: their times were recorded on such a machine with two threads or processes
(relucent with Gurobi; edge subdivision, Berzins 2023; a sketch of our own method).
"""

import pytest
from conftest import SMALL
from networks import network

import facetry as ft


def unit_box(inputs):
    return [[-1, 1]] * inputs


@pytest.mark.parametrize(
    ("widths", "domain", "options", "count", "peer", "seconds", "at_least"),
    [
        ([4, 10, 10, 1], None, {}, 5804, "relucent, recorded", 25.1, 5000),
        (
            [3, 32, 32, 32, 1], unit_box(3), {"neighbors": False, "cut_output": True}, 89492,
            "edge subdivision, recorded", 0.603, 25,
        ),
        (
            [4, 16, 16, 16, 1], unit_box(4), {"neighbors": False, "cut_output": True}, 56971,
            "edge subdivision, recorded", 0.293, 14,
        ),
        (
            [4, 32, 32, 32, 1], unit_box(4), {"count_only": True}, 1439502,
            "a sketch of the method, recorded", 0.376, 1 / 1.5,
        ),
    ],
)  # fmt: skip
def test_regions_in_box(race, widths, domain, options, count, peer, seconds, at_least):
    net = network(widths)
    most = 1000 if SMALL else None
    place = "all of space" if domain is None else "the unit box"
    wanted = ", neighbours" if not options else ", counted" if "count_only" in options else ", output cut"
    work = f"regions, {'-'.join(map(str, widths))} in {place}{wanted}"
    found = []

    def ours():
        found[:] = [ft.regions_in_box(net, domain, max_regions=most, **options)]

    race(work, peer, at_least, ours, lambda: seconds)
    total = found[0].total if "count_only" in options else len(found[0])
    assert total == (most or count)
