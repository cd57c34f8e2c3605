"""The pixel-pair rule of antialiasing, to compare ours with: written from its public description alone.

Of two neighbouring pixels with different triangles the nearer one's triangle is asked for a silhouette edge
between the two centres; where it has none, nothing is blended (Laine et al., ACM TOG 39(6), 2020).
"""

import torch

from techniques.raster.edges import edge_table
from techniques.raster.screen import to_screen

__all__ = ["pixel_pairs"]


def pixel_pairs(colours, raster, positions, triangles):
    """``colours`` (B, H, W, C) blended pair by pair; arguments as of ``techniques.raster.antialias``."""
    _, height, width, channels = colours.shape
    x, y, _ = to_screen(positions, height, width)
    outline = _outline(x.detach(), y.detach(), triangles)
    number, depth = raster[..., 3].detach().long(), raster[..., 2].detach()
    flat, out = colours.reshape(-1, channels), colours.reshape(-1, channels)
    for axis in (2, 1):
        n = colours.shape[axis] - 1
        first, second = number.narrow(axis, 0, n), number.narrow(axis, 1, n)
        view, row, column = (first != second).nonzero().unbind(1)
        a = (view * height + row) * width + column
        b = a + (1 if axis == 2 else width)
        numbers, depths = number.view(-1), depth.reshape(-1)
        a_nearer = (numbers[b] == 0) | ((numbers[a] > 0) & (depths[a] <= depths[b]))
        inner, outer = torch.where(a_nearer, a, b), torch.where(a_nearer, b, a)
        triangle = numbers[inner] - 1
        along, across = (x, y) if axis == 2 else (y, x)
        at, line = (column, row) if axis == 2 else (row, column)
        done = torch.zeros_like(a_nearer)
        for k in range(3):
            p, q = triangles[triangle, k].long(), triangles[triangle, (k + 1) % 3].long()
            with torch.no_grad():
                n_p, n_q, m_p, m_q = across[view, p], across[view, q], along[view, p], along[view, q]
                crossing = m_p + (line - n_p) / (n_q - n_p) * (m_q - m_p)
                steep = (n_q - n_p).abs() >= (m_q - m_p).abs()
                meets = (torch.minimum(n_p, n_q) <= line) & (line < torch.maximum(n_p, n_q))
                hit = outline[view, triangle, k] & steep & meets & (crossing >= at) & (crossing <= at + 1)
                hit &= ~done
                done |= hit
            v, p, q = view[hit], p[hit], q[hit]
            n_p, n_q, m_p, m_q = across[v, p], across[v, q], along[v, p], along[v, q]
            share = m_p + (line[hit] - n_p) / (n_q - n_p) * (m_q - m_p) - at[hit]
            share = torch.where(a_nearer[hit], share, 1 - share)
            change = (share - 0.5).unsqueeze(1) * (flat[inner[hit]] - flat[outer[hit]])
            target = torch.where(share.detach() < 0.5, inner[hit], outer[hit])
            out = out.index_add(0, target, change)
    return out.view_as(colours)


def _outline(x, y, triangles):
    """Which side (corner k to k + 1) of each triangle is a silhouette in each view: (B, T, 3)."""
    table = edge_table(triangles)
    a, b = table.ends.unbind(1)
    first, second = table.opposite[:, 0], table.opposite[:, 1].clamp(min=0)

    def side(c):
        return (x[:, b] - x[:, a]) * (y[:, c] - y[:, a]) - (y[:, b] - y[:, a]) * (x[:, c] - x[:, a])

    silhouette = (table.opposite[:, 1] < 0) | (side(first) * side(second) > 0)
    count = int(triangles.max()) + 1
    keys = table.ends[:, 0] * count + table.ends[:, 1]
    ends = torch.stack([triangles.long(), triangles.long().roll(-1, 1)], -1).sort(-1).values
    return silhouette[:, torch.searchsorted(keys, ends[..., 0] * count + ends[..., 1])]
