"""The README's picture of a polytope: the cuboctahedron, cut from a cube, and its projection on a plane."""

from pathlib import Path

import matplotlib as mpl

mpl.use("agg")
import matplotlib.pyplot as plt
import numpy as np
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

import facetry as ft

FOLDER = Path(__file__).parent


def faces(P: ft.Polytope) -> list[np.ndarray]:
    """Give the vertices of every facet, in order around it."""
    vertices, found = P.vertices(), []
    for normal, on in zip(P.A, P.facets_of_vertices().T, strict=True):
        corners = vertices[on]
        across = np.linalg.svd(normal[None])[2][1:] @ (corners - corners.mean(axis=0)).T
        found.append(corners[np.argsort(np.arctan2(*across))])
    return found


def outline(P: ft.Polytope) -> np.ndarray:
    """Give the vertices of a polygon in order around it."""
    corners = P.vertices()
    return corners[np.argsort(np.arctan2(*(corners - corners.mean(axis=0)).T))]


def main() -> None:
    """Draw it."""
    cubocta = ft.Polytope.box([-1] * 3, [1] * 3) & ft.Polytope.cross_polytope(3).scale(2)
    P = cubocta.minimal()
    figure = plt.figure(figsize=(5.2, 4.4))
    axes = figure.add_subplot(projection="3d")
    axes.add_collection3d(Poly3DCollection(faces(P), facecolor="#7aa6c2", edgecolor="#1d3d52", alpha=0.8))
    shadow = outline(P.project([0, 1]))
    floor = np.column_stack([shadow, np.full(len(shadow), -1.8)])
    axes.add_collection3d(Poly3DCollection([floor], facecolor="#d9d9d9", edgecolor="#777777"))
    axes.set(
        xlim=(-1.2, 1.2), ylim=(-1.2, 1.2), zlim=(-1.8, 1.2), xlabel="$x_0$", ylabel="$x_1$", zlabel="$x_2$"
    )
    axes.set_box_aspect((2.4, 2.4, 3))
    axes.set_title(f"{len(P.vertices())} vertices, {P.n_rows} facets, volume {P.volume():.4f}", fontsize=10)
    figure.savefig(FOLDER / "polytope.png", dpi=110, bbox_inches="tight")


if __name__ == "__main__":
    main()
