"""The colours that a mesh came with, brought onto an atlas."""

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from techniques.meshes.map_options import laid_out
from techniques.meshes.mesh import Material, Mesh, Texture
from techniques.meshes.texels import Texels, dilated
from techniques.raster.texture import texture as looked_up

__all__ = ["PLAIN", "baked", "decoded", "encoded"]

PLAIN = 0.8  # sRGB grey of a surface without a material: white paper in soft light


def baked(mesh: Mesh, place: Texels) -> Tensor:
    """The surface colours of ``mesh`` (h, w, 3), sRGB in 0..1, row 0 at v = 0, on an atlas whose texels are
    ``place``: the product of texture, material's colour and vertex colours, of those that there are; without
    any of them light grey.

    ``mesh`` has its own texture coordinates; its triangles are those of the atlas.
    """
    tint = None
    if mesh.colors is not None:
        faces = torch.from_numpy(mesh.faces)
        tint = place.at(torch.from_numpy(mesh.colors), faces).float().clamp(0, 1)
    colors = torch.full((len(place.index), 3), PLAIN) if tint is None else tint.clone()
    owner = torch.from_numpy(mesh.polygons.materials[mesh.face_polygons])[place.triangle]
    for number, material in enumerate(mesh.materials):
        inside = (owner == number).nonzero().squeeze(1)
        if len(inside):
            own = _material(mesh, material, place, inside)
            colors[inside] = own if tint is None else own * tint[inside]
    flat = torch.zeros(place.size**2, 3)
    flat[place.index] = colors
    covered = torch.zeros(place.size**2, dtype=torch.bool)
    covered[place.index] = True
    shape = (place.size, place.size)
    return dilated(flat.view(*shape, 3), covered.view(*shape))


def _material(mesh: Mesh, material: Material, place: Texels, inside: Tensor) -> Tensor:
    """The colours of the texels ``inside``: those of triangles without coordinates are the material's own."""
    colors = torch.tensor(material.color).repeat(len(inside), 1)
    uv_faces = torch.from_numpy(mesh.uv_faces)
    has_uvs = (uv_faces[place.triangle[inside]] >= 0).all(1)
    if material.texture is None or not has_uvs.any():
        return colors
    inside = inside[has_uvs]
    part = Texels(place.size, place.index[inside], place.triangle[inside], place.shares[inside].double())
    uv = part.at(torch.from_numpy(laid_out(mesh.uvs, material.texture_options)), uv_faces).float()
    colors[has_uvs] *= looked_up(decoded(material.texture).unsqueeze(0), uv[None, None])[0, 0]
    return colors


def decoded(texture: Texture) -> Tensor:
    """``texture`` as (h, w, 3), sRGB in 0..1, row 0 at the bottom; transparent parts over white."""
    with Image.open(io.BytesIO(texture.data)) as image:
        if image.has_transparency_data:
            over = Image.new("RGBA", image.size, "white")
            over.alpha_composite(image.convert("RGBA"))
            values = np.asarray(over.convert("RGB"))
        else:
            values = np.asarray(image.convert("RGB"))
    return torch.from_numpy(np.ascontiguousarray(values[::-1])).float() / 255


def encoded(colors: Tensor, name: str) -> Texture:
    """``colors`` (h, w, 3) in 0..1, row 0 at the bottom, as a PNG file called ``name``."""
    values = (colors.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8).flip(0).numpy()
    buffer = io.BytesIO()
    Image.fromarray(values).save(buffer, "PNG", optimize=True)
    return Texture(name, buffer.getvalue())
