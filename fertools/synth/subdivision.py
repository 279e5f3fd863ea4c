"""Smooth subdivision of a quad mesh as one sparse matrix, so that a scan costs one product.

Positions follow Catmull and Clark (Computer-Aided Design 10(6), 1978) with the usual rules on
borders; texture coordinates are split linearly, in their own numbering, so seams stay seams.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """One round of subdivision.

    The new points are the old ones (same numbers), then one an edge, then one a quad.

    Attributes:
        matrix: ``(new, old)`` weights.
        quads: ``(4 F, 4)``; the four children of quad ``f`` are rows ``4 f`` to ``4 f + 3``.
        edges: ``(F, 4)`` number of the point on the edge from corner k to corner k + 1.
        centres: ``(F,)`` number of the point in the middle of each quad.
    """

    matrix: sparse.csr_matrix
    quads: IntArray
    edges: IntArray
    centres: IntArray


def split(quads: IntArray, num_points: int, *, smooth: bool) -> Split:
    """Cut every quad in four.

    Args:
        quads: ``(F, 4)`` point numbers.
        num_points: How many points there are.
        smooth: Catmull-Clark positions when true, plain midpoints when false.
    """
    num_quads = len(quads)
    ends = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    edges, flat, count = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    edge_of = flat.reshape(num_quads, 4)
    num_edges = len(edges)
    edge_points = num_points + edge_of
    centres = num_points + num_edges + np.arange(num_quads)
    children = np.stack(
        [
            np.stack([quads[:, k], edge_points[:, k], centres, edge_points[:, k - 1]], axis=1)
            for k in range(4)
        ],
        axis=1,
    ).reshape(-1, 4)

    to_centre = _matrix(
        np.repeat(np.arange(num_quads), 4), quads.ravel(), 0.25, num_quads, num_points
    )
    to_edge = _matrix(np.repeat(np.arange(num_edges), 2), edges.ravel(), 0.5, num_edges, num_points)
    keep = sparse.identity(num_points, format="csr")
    if smooth:
        border = count == 1
        beside = _matrix(
            edge_of.ravel(), np.repeat(np.arange(num_quads), 4), 0.5, num_edges, num_quads
        )
        inner = sparse.diags((~border).astype(float))
        rim = sparse.diags(border.astype(float))
        new_edge = 0.5 * (inner @ (to_edge + beside @ to_centre)) + rim @ to_edge
        keep = _vertex_rule(quads, edges, border, num_points, to_edge, to_centre)
        to_edge = new_edge
    matrix = sparse.vstack([keep, to_edge, to_centre]).tocsr()
    matrix.sort_indices()
    return Split(matrix=matrix, quads=children, edges=edge_points, centres=centres)


def _matrix(
    rows: IntArray, columns: IntArray, value: float, num_rows: int, num_columns: int
) -> sparse.csr_matrix:
    """A sparse matrix with one constant at the given places."""
    values = np.full(len(rows), value)
    return sparse.csr_matrix((values, (rows, columns)), shape=(num_rows, num_columns))


def _vertex_rule(
    quads: IntArray,
    edges: IntArray,
    border: npt.NDArray[np.bool_],
    num_points: int,
    to_edge: sparse.csr_matrix,
    to_centre: sparse.csr_matrix,
) -> sparse.csr_matrix:
    """Where the old points go: (Q + 2 R + (n - 3) P) / n inside, (1, 6, 1) / 8 on a border."""
    valence = np.bincount(edges.ravel(), minlength=num_points).astype(float)
    valence[valence == 0] = 1.0
    faces = np.bincount(quads.ravel(), minlength=num_points).astype(float)
    faces[faces == 0] = 1.0
    around = _matrix(
        quads.ravel(), np.repeat(np.arange(len(quads)), 4), 1.0, num_points, len(quads)
    )
    touching = _matrix(
        edges.ravel(), np.repeat(np.arange(len(edges)), 2), 1.0, num_points, len(edges)
    )
    identity = sparse.identity(num_points, format="csr")
    q = sparse.diags(1.0 / (faces * valence)) @ (around @ to_centre)
    r = sparse.diags(2.0 / valence**2) @ (touching @ to_edge)
    inside = q + r + sparse.diags((valence - 3.0) / valence) @ identity
    rim_edges = edges[border]
    on_rim = np.bincount(rim_edges.ravel(), minlength=num_points) == 2
    swapped = rim_edges[:, ::-1]
    rim = _matrix(rim_edges.ravel(), swapped.ravel(), 0.125, num_points, num_points)
    rim = rim + 0.75 * identity
    loose = np.bincount(rim_edges.ravel(), minlength=num_points) > 2
    chooser = [sparse.diags(mask.astype(float)) for mask in (~on_rim & ~loose, on_rim, loose)]
    return chooser[0] @ inside + chooser[1] @ rim + chooser[2] @ identity
