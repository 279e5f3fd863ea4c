"""The fixed meshes of a stand-in: what is written as F3D and as RAW, and how to place their points.

Nothing here depends on the person or the expression, so it is worked out once a process.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy import sparse

from fertools.synth import head as parts
from fertools.synth.atlas import layout
from fertools.synth.cropping import COLLAR, beyond_border, ever_seen, in_face, in_head
from fertools.synth.head import MM, HeadData, find_data, load_head
from fertools.synth.identity import average_adult
from fertools.synth.subdivision import Split, split

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Density = Literal["8k", "18k"]

_QUAD_SHARE = 0.2  # of the quads that stay quads in the files


@dataclass(frozen=True, eq=False)
class Mesh:
    """One mesh as it is written.

    Attributes:
        matrix: ``(V, H)``: its vertices from those of the head's base mesh.
        polygons: Vertex numbers, one row a polygon of three or four corners.
        uv_polygons: Numbers into ``uvs``, in step with ``polygons``.
        uvs: ``(T, 2)`` in [0, 1], v upwards; more rows than ``V``, since islands have borders.
        base: ``(V,)`` number of the base vertex a vertex stems from, or -1.
        part: ``(V,)`` part of the head (constants of :mod:`fertools.synth.head`).
        canonical: ``(V, 3)`` its points on the average adult, mm, origin between the eyes.
    """

    matrix: sparse.csr_matrix
    polygons: list[list[int]]
    uv_polygons: list[list[int]]
    uvs: FloatArray
    base: IntArray
    part: IntArray
    canonical: FloatArray

    @cached_property
    def triangles(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """Both numberings as triangles ``(M, 3)``, polygons cut into fans."""
        first, second = (
            np.array([[row[0], *row[k : k + 2]] for row in rows for k in range(1, len(row) - 1)])
            for rows in (self.polygons, self.uv_polygons)
        )
        return first.astype(np.int32), second.astype(np.int32)


@dataclass(frozen=True)
class Topology:
    """All fixed meshes of one density.

    Attributes:
        head: The base mesh.
        fine: One round of subdivision of all of it; light is worked out on its points.
        quads: ``(F, 4)`` of the fine mesh.
        uv_quads: ``(F, 4)`` into ``uvs``.
        uvs: Texture coordinates of the fine mesh.
        source_uvs: The same in the source's own layout, which its masks are drawn in.
        quad_parts: ``(F,)`` part of each quad.
        canonical: ``(N, 3)`` fine points of the average adult, mm, origin between the eyes: the
            coordinates that paint and wrinkles are written in.
        f3d: The cropped face.
        raw: The whole head.
    """

    head: HeadData
    fine: sparse.csr_matrix
    quads: IntArray
    uv_quads: IntArray
    uvs: FloatArray
    source_uvs: FloatArray
    quad_parts: IntArray
    canonical: FloatArray
    f3d: Mesh
    raw: Mesh

    def points_of(self, *chosen: int) -> IntArray:
        """Numbers of the fine points that belong to parts of the head."""
        return np.unique(self.quads[np.isin(self.quad_parts, chosen)])

    def rim(self, first: int, second: int) -> IntArray:
        """Numbers of the fine points where two parts of the head meet."""
        return np.intersect1d(self.points_of(first), self.points_of(second))


@lru_cache(maxsize=2)
def load_topology(density: Density) -> Topology:
    """Work out the meshes of a density ("8k" or "18k" vertices in F3D)."""
    head = load_head(find_data())
    first = split(head.quads, len(head.vertices), smooth=True)
    flat = split(head.uv_quads, len(head.uvs), smooth=False)
    uvs = flat.matrix @ layout(head)
    quad_parts = np.repeat(head.parts, 4)
    canonical = first.matrix @ average_adult(head)
    eyes = np.isin(quad_parts, (parts.LEFT_EYE, parts.RIGHT_EYE))
    middle = canonical[np.unique(first.quads[eyes])].mean(axis=0)
    canonical = (canonical - middle) * MM
    points = np.arange(first.matrix.shape[0])
    net = _Net(
        matrix=first.matrix,
        quads=first.quads,
        uv_quads=flat.quads,
        uvs=uvs,
        base=np.where(points < len(head.vertices), points, -1),
        part=_point_parts(first.quads, quad_parts, len(points)),
        canonical=canonical,
    )
    chosen = in_face(canonical, first.quads, quad_parts)
    chosen &= ever_seen(head, first.matrix, first.quads) | (quad_parts == parts.SOCKETS)
    coarse = _Net(
        matrix=sparse.identity(len(head.vertices), format="csr"),
        quads=head.quads,
        uv_quads=head.uv_quads,
        uvs=layout(head),
        base=np.arange(len(head.vertices)),
        part=_point_parts(head.quads, head.parts, len(head.vertices)),
        canonical=(average_adult(head) - middle) * MM,
    )
    if density == "8k":
        f3d = _refine(coarse, chosen, num_vertices=8_000)
    else:
        f3d = _refine(net, np.repeat(chosen, 4), num_vertices=18_000)
    return Topology(
        head=head,
        fine=first.matrix,
        quads=first.quads,
        uv_quads=flat.quads,
        uvs=uvs,
        source_uvs=flat.matrix @ head.uvs,
        quad_parts=quad_parts,
        canonical=canonical,
        f3d=f3d,
        raw=_cut(net, in_head(canonical, first.quads, quad_parts)),
    )


@dataclass(frozen=True)
class _Net:
    """A quad mesh with texture coordinates and the weights that place its points."""

    matrix: sparse.csr_matrix
    quads: IntArray
    uv_quads: IntArray
    uvs: FloatArray
    base: IntArray
    part: IntArray
    canonical: FloatArray


def _point_parts(quads: IntArray, quad_parts: IntArray, num_points: int) -> IntArray:
    """The part each point belongs to; where parts meet, the one with the lowest number."""
    result = np.zeros(num_points, dtype=np.int64)
    for part in sorted(set(quad_parts.tolist()), reverse=True):
        result[quads[quad_parts == part]] = part
    return result


def _stays_quad(count: int) -> npt.NDArray[np.bool_]:
    """A fixed scattering of the quads that are written as quads."""
    mixed = (np.arange(count, dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(2**32)
    return np.asarray(mixed < np.uint64(int(_QUAD_SHARE * 2**32)))


def _cut(net: _Net, chosen: npt.NDArray[np.bool_]) -> Mesh:
    """The chosen quads, cut off at the collar, some as quads and the others as two triangles."""
    polygons = [list(map(int, row)) for row in net.quads[chosen]]
    uv_polygons = [list(map(int, row)) for row in net.uv_quads[chosen]]
    net = _trim(net, polygons, uv_polygons, COLLAR - net.canonical[:, 1])
    return _compact(*_close_mouth(net, chosen, *_triangulate(polygons, uv_polygons)))


def _close_mouth(
    net: _Net,
    chosen: npt.NDArray[np.bool_],
    polygons: list[list[int]],
    uv_polygons: list[list[int]],
) -> tuple[_Net, list[list[int]], list[list[int]]]:
    """Close the cut end of the mouth's lining with a fan about one new point."""
    rows = np.flatnonzero(chosen)
    starts = net.quads[rows]
    ends = np.roll(starts, -1, axis=1)
    pairs = np.sort(np.stack([starts, ends], axis=-1).reshape(-1, 2), axis=1)
    _, where, count = np.unique(pairs, axis=0, return_inverse=True, return_counts=True)
    lonely = (count[where.ravel()] == 1).reshape(starts.shape)
    lonely &= (net.part[starts] == parts.INNER_MOUTH) & (net.part[ends] == parts.INNER_MOUTH)
    quad, corner = np.nonzero(lonely)
    following = (corner + 1) % 4
    a, b = starts[quad, corner], ends[quad, corner]
    uv_a, uv_b = net.uv_quads[rows[quad], corner], net.uv_quads[rows[quad], following]
    middle, uv_middle = net.matrix.shape[0], len(net.uvs)
    share = np.full(len(a), 1.0 / len(a))
    mean = sparse.csr_matrix((share, (np.zeros(len(a), dtype=int), a)), shape=(1, middle))
    wider = _Net(
        matrix=sparse.vstack([net.matrix, mean @ net.matrix]).tocsr(),
        quads=net.quads,
        uv_quads=net.uv_quads,
        uvs=np.concatenate([net.uvs, net.uvs[uv_a].mean(axis=0)[None]]),
        base=np.append(net.base, -1),
        part=np.append(net.part, parts.INNER_MOUTH),
        canonical=np.concatenate([net.canonical, mean @ net.canonical]),
    )
    fan = [[int(q), int(p), middle] for p, q in zip(a, b, strict=True)]
    uv_fan = [[int(q), int(p), uv_middle] for p, q in zip(uv_a, uv_b, strict=True)]
    return wider, polygons + fan, uv_polygons + uv_fan


def _triangulate(
    polygons: list[list[int]], uv_polygons: list[list[int]]
) -> tuple[list[list[int]], list[list[int]]]:
    """Cut most polygons into triangles, in the same way for both numberings."""
    stays = _stays_quad(len(polygons))
    result: list[list[int]] = []
    uv_result: list[list[int]] = []
    for index, (polygon, uv_polygon) in enumerate(zip(polygons, uv_polygons, strict=True)):
        if len(polygon) == 4 and stays[index]:
            result.append(polygon)
            uv_result.append(uv_polygon)
            continue
        for k in range(1, len(polygon) - 1):
            result.append([polygon[0], polygon[k], polygon[k + 1]])
            uv_result.append([uv_polygon[0], uv_polygon[k], uv_polygon[k + 1]])
    return result, uv_result


def _compact(net: _Net, polygons: list[list[int]], uv_polygons: list[list[int]]) -> Mesh:
    """Drop unused points and texture points and renumber the rest."""
    used = np.unique(np.concatenate([np.array(row) for row in polygons]))
    used_uv = np.unique(np.concatenate([np.array(row) for row in uv_polygons]))
    number = {int(old): new for new, old in enumerate(used)}
    number_uv = {int(old): new for new, old in enumerate(used_uv)}
    return Mesh(
        matrix=net.matrix[used].tocsr(),
        polygons=[[number[i] for i in row] for row in polygons],
        uv_polygons=[[number_uv[i] for i in row] for row in uv_polygons],
        uvs=net.uvs[used_uv],
        base=net.base[used],
        part=net.part[used],
        canonical=net.canonical[used],
    )


def _refine(net: _Net, kept: npt.NDArray[np.bool_], *, num_vertices: int) -> Mesh:
    """Split the largest quads of ``net`` until what is kept has about ``num_vertices``.

    Args:
        net: The mesh before the split.
        kept: ``(4 F,)`` which children of its quads are wanted; quads on the border of that choice
            are always split.
        num_vertices: Where to stop.
    """
    second = split(net.quads, net.matrix.shape[0], smooth=True)
    flat = split(net.uv_quads, len(net.uvs), smooth=False)
    canonical = second.matrix @ net.canonical
    beyond = beyond_border(canonical)
    quad_parts = np.repeat(np.max(net.part[net.quads], axis=1), 4)
    kept = np.asarray(kept & ((beyond[second.quads] < 0).any(axis=1) | (quad_parts != parts.SKIN)))
    wanted = kept.reshape(-1, 4)
    chosen = np.asarray(wanted.any(axis=1))
    points = net.canonical[net.quads]
    spans = np.cross(points[:, 2] - points[:, 0], points[:, 3] - points[:, 1])
    area = np.where(chosen, np.linalg.norm(spans, axis=1), -1.0)
    area[chosen & ~wanted.all(axis=1)] = np.inf
    order = np.argsort(-area, kind="stable")
    low, high = int(np.isinf(area).sum()), int(chosen.sum())
    while low < high:
        count = (low + high + 1) // 2
        divided = _first(order, count, len(net.quads))
        if _num_vertices(net, second, divided, chosen, kept) > num_vertices:
            high = count - 1
        else:
            low = count
    divided = _first(order, low, len(net.quads))
    marked = np.zeros(second.matrix.shape[0], dtype=bool)
    marked[second.edges[divided].ravel()] = True
    children = np.flatnonzero(np.repeat(divided, 4) & kept)
    polygons = [list(map(int, row)) for row in second.quads[children]]
    uv_polygons = [list(map(int, row)) for row in flat.quads[children]]
    for index in np.flatnonzero(chosen & ~divided).tolist():
        ring, uv_ring = _ring(index, net, second, flat, marked)
        polygons.append(ring)
        uv_polygons.append(uv_ring)
    new = second.matrix.shape[0] - net.matrix.shape[0]
    finer = _Net(
        matrix=(second.matrix @ net.matrix).tocsr(),
        quads=second.quads,
        uv_quads=flat.quads,
        uvs=flat.matrix @ net.uvs,
        base=np.concatenate([net.base, np.full(new, -1)]),
        part=_point_parts(second.quads, quad_parts, second.matrix.shape[0]),
        canonical=canonical,
    )
    finer = _trim(finer, polygons, uv_polygons, beyond)
    return _compact(*_close_mouth(finer, kept, *_triangulate(polygons, uv_polygons)))


def _trim(
    net: _Net, polygons: list[list[int]], uv_polygons: list[list[int]], beyond: FloatArray
) -> _Net:
    """Pull points outside the border along an edge onto it, so that the crop has a clean rim."""
    partner: dict[int, int] = {}
    uv_partner: dict[int, tuple[int, float]] = {}
    for polygon, uv_polygon in zip(polygons, uv_polygons, strict=True):
        if not np.isin(net.part[polygon], (parts.SKIN, parts.NECK)).all():
            continue
        away = beyond[polygon]
        inner = int(np.argmin(away))
        if away[inner] >= 0:
            continue
        for corner in np.flatnonzero(away > 0):
            target = partner.setdefault(polygon[corner], polygon[inner])
            if target in polygon:
                share = float(away[corner] / (away[corner] - beyond[target]))
                uv_partner[uv_polygon[corner]] = (uv_polygon[polygon.index(target)], share)
    outer = np.array(sorted(partner), dtype=np.int64)
    inner_points = np.array([partner[i] for i in outer], dtype=np.int64)
    shares = beyond[outer] / (beyond[outer] - beyond[inner_points])
    count = net.matrix.shape[0]
    rows, columns = np.concatenate([outer, outer]), np.concatenate([outer, inner_points])
    change = sparse.csr_matrix(
        (np.concatenate([-shares, shares]), (rows, columns)), shape=(count, count)
    )
    pull = sparse.identity(count, format="csr") + change
    uvs = net.uvs.copy()
    for number, (other, share) in uv_partner.items():
        uvs[number] = (1 - share) * net.uvs[number] + share * net.uvs[other]
    return replace(net, matrix=(pull @ net.matrix).tocsr(), canonical=pull @ net.canonical, uvs=uvs)


def _first(order: IntArray, count: int, length: int) -> npt.NDArray[np.bool_]:
    """A mask of the first ``count`` numbers of ``order``."""
    mask = np.zeros(length, dtype=bool)
    mask[order[:count]] = True
    return mask


def _num_vertices(
    net: _Net,
    second: Split,
    divided: npt.NDArray[np.bool_],
    chosen: npt.NDArray[np.bool_],
    kept: npt.NDArray[np.bool_],
) -> int:
    """How many vertices there are when the quads ``divided`` are split."""
    whole = net.quads[chosen & ~divided].ravel()
    children = second.quads[np.repeat(divided, 4) & kept].ravel()
    return len(np.unique(np.concatenate([whole, children])))


def _ring(
    index: int, net: _Net, second: Split, flat: Split, marked: npt.NDArray[np.bool_]
) -> tuple[list[int], list[int]]:
    """An undivided quad with the points that its divided neighbours put on its edges.

    It starts at such a point (if there is one), so that a fan from it has no flat triangle.
    """
    ring: list[int] = []
    uv_ring: list[int] = []
    start = 0
    for k in range(4):
        ring.append(int(net.quads[index, k]))
        uv_ring.append(int(net.uv_quads[index, k]))
        edge = int(second.edges[index, k])
        if marked[edge]:
            start = len(ring)
            ring.append(edge)
            uv_ring.append(int(flat.edges[index, k]))
    return ring[start:] + ring[:start], uv_ring[start:] + uv_ring[:start]
