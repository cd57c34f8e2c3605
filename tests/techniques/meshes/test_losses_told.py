"""What a file has and a mesh has no place for is told, and what it can keep is kept."""

import base64
import io
import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from PIL import Image

from techniques.meshes.bake import baked
from techniques.meshes.mesh import Group, Material
from techniques.meshes.read import read_mesh
from techniques.meshes.shapes import box
from techniques.meshes.texels import texels


def gltf(folder, *, material=None, attributes=(), primitive=None, sampler=None, **document):
    """A triangle with the corners of the texture's picture; ``attributes`` are further UV sets."""
    sets = [[[0, 0], [1, 0], [0, 1]], *attributes]
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], dtype="<f4")
    content = points.tobytes() + b"".join(np.array(uv, dtype="<f4").tobytes() for uv in sets)
    ends = [0, 36, *(36 + 24 * (k + 1) for k in range(len(sets)))]
    picture = io.BytesIO()
    Image.new("RGB", (4, 4), "red").save(picture, "PNG")
    path = folder / "mesh.gltf"
    path.write_text(
        json.dumps(
            {
                "asset": {"version": "2.0"},
                "nodes": [{"mesh": 0}],
                "scenes": [{"nodes": [0]}],
                "meshes": [
                    {
                        "primitives": [
                            {
                                "attributes": {
                                    "POSITION": 0,
                                    **{f"TEXCOORD_{k}": k + 1 for k in range(len(sets))},
                                },
                                "material": 0,
                                **(primitive or {}),
                            }
                        ]
                    }
                ],
                "materials": [
                    {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0}}}
                    if material is None
                    else material
                ],
                "textures": [{"source": 0, **({} if sampler is None else {"sampler": 0})}],
                "samplers": [sampler or {}],
                "images": [{"uri": f"data:image/png;base64,{base64.b64encode(picture.getvalue()).decode()}"}],
                "accessors": [
                    {"bufferView": k, "componentType": 5126, "count": 3, "type": "VEC2" if k else "VEC3"}
                    for k in range(1 + len(sets))
                ],
                "bufferViews": [
                    {"buffer": 0, "byteOffset": start, "byteLength": end - start}
                    for start, end in pairwise(ends)
                ],
                "buffers": [
                    {"byteLength": len(content), "uri": f"data:;base64,{base64.b64encode(content).decode()}"}
                ],
                **document,
            }
        )
    )
    return path


def textured(**told):
    return {"pbrMetallicRoughness": {"baseColorTexture": {"index": 0, **told}}}


def told_uvs(path):
    """Texture coordinates of the corners as glTF counts them: v points down."""
    mesh = read_mesh(path)
    return mesh.uvs[mesh.uv_faces[0]] * [1, -1] + [0, 1]


@pytest.mark.parametrize(
    ("transform", "expected"),
    [
        ({"offset": [0.5, 0.25]}, [[0.5, 0.25], [1.5, 0.25], [0.5, 1.25]]),
        ({"scale": [2, 3]}, [[0, 0], [2, 0], [0, 3]]),
        ({"rotation": np.pi / 2}, [[0, 0], [0, -1], [1, 0]]),
        ({"rotation": np.pi / 2, "scale": [2, 3], "offset": [0, 1]}, [[0, 1], [0, -1], [3, 1]]),
    ],
)
def test_a_texture_lies_as_its_transform_says(transform, expected, tmp_path):
    path = gltf(tmp_path, material=textured(extensions={"KHR_texture_transform": transform}))
    assert told_uvs(path) == pytest.approx(np.array(expected), abs=1e-6)


@pytest.mark.parametrize(
    "told", [{"texCoord": 1}, {"texCoord": 0, "extensions": {"KHR_texture_transform": {"texCoord": 1}}}]
)
def test_the_set_of_coordinates_that_the_texture_names_is_taken(told, tmp_path):
    second = [[0.5, 0.5], [0.75, 0.5], [0.5, 0.75]]
    path = gltf(tmp_path, material=textured(**told), attributes=[second])
    assert told_uvs(path) == pytest.approx(np.array(second))
    assert any("several sets" in line for line in read_mesh(path).repaired)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"material": {"emissiveFactor": [1, 0, 0]}}, "1 material has more than a base colour"),
        ({"material": {"normalTexture": {"index": 0}}}, "1 material has more than a base colour"),
        ({"primitive": {"targets": [{"POSITION": 0}]}}, "Shape keys are left out"),
        ({"animations": [{}, {}]}, "2 animations left out"),
        ({"skins": [{}]}, "1 skeleton left out"),
        ({"scenes": [{"nodes": [0]}, {"nodes": []}]}, "1 further scene left out"),
        ({"extensionsUsed": ["EXT_mesh_gpu_instancing"]}, "Copies that EXT_mesh_gpu_instancing"),
        (
            {
                "sampler": {"wrapS": 33071},
                "material": textured(extensions={"KHR_texture_transform": {"scale": [2, 2]}}),
            },
            "is repeated beyond them",
        ),
    ],
)
def test_what_a_gltf_loses_is_told_once(changes, line, tmp_path):
    assert [text for text in read_mesh(gltf(tmp_path, **changes)).repaired if line in text]
    assert read_mesh(gltf(tmp_path)).repaired == ()


def test_a_texture_that_only_an_extension_names_is_read(tmp_path):
    path = gltf(tmp_path, textures=[{"extensions": {"EXT_texture_webp": {"source": 0}}}])
    assert read_mesh(path).materials[0].texture is not None


def test_materials_of_one_name_stay_apart_in_an_obj(tmp_path):
    names = ["steel", "steel", "steel_2", "glass", "steel"]
    materials = [
        {"name": name, "pbrMetallicRoughness": {"baseColorFactor": [number / 10, 0, 0, 1]}}
        for number, name in enumerate(names)
    ]
    mesh = read_mesh(gltf(tmp_path, materials=materials))
    assert [one.name for one in mesh.materials] == ["steel", "steel_3", "steel_2", "glass", "steel_4"]
    assert mesh.repaired == ("2 materials have the name of another one: renamed, as steel_3.",)


PLY = """ply
format ascii 1.0
comment TextureFile a.png
comment TextureFile b.png
element vertex 4
property float x
property float y
property float z
element face 2
property list uchar int vertex_indices
property list uchar float texcoord
property int texnumber
property uchar red
property uchar green
property uchar blue
element edge 1
property int vertex1
property int vertex2
end_header
0 0 0
1 0 0
0 1 0
1 1 0
3 0 1 2 6 0 0 1 0 0 1 1 255 0 0
3 1 3 2 6 1 0 1 1 0 1 0 255 0 0
0 1
"""


def test_each_face_of_a_ply_wears_its_own_texture_and_the_rest_is_told(tmp_path):
    for name in ("a.png", "b.png"):
        Image.new("RGB", (2, 2)).save(tmp_path / name)
    (tmp_path / "mesh.ply").write_text(PLY)
    mesh = read_mesh(tmp_path / "mesh.ply")
    worn = [mesh.materials[number].texture for number in mesh.polygons.materials]
    assert [texture.name for texture in worn if texture] == ["b.png", "a.png"]
    assert mesh.repaired == (
        "1 edge element left out.",
        "Colours of faces are left out; those of vertices are read.",
    )


def test_the_solids_of_a_text_stl_are_groups(tmp_path):
    def solid(name, z):
        corners = "".join(f"vertex {x} {y} {z}\n" for x, y in ((0, 0), (1, 0), (0, 1)))
        return f"solid {name}\nfacet normal 0 0 1\nouter loop\n{corners}endloop\nendfacet\nendsolid {name}\n"

    (tmp_path / "two.stl").write_text(solid("roof", 1) + solid("floor slab", 0))
    mesh = read_mesh(tmp_path / "two.stl")
    assert mesh.groups == (Group("roof"), Group("floor slab"))
    assert mesh.polygons.groups.tolist() == [0, 1]
    (tmp_path / "one.stl").write_text(solid("roof", 1))
    assert read_mesh(tmp_path / "one.stl").groups == ()


def test_colours_of_triangles_in_an_stl_are_told(tmp_path):
    record = np.dtype([("normal", "<f4", 3), ("points", "<f4", (3, 3)), ("attribute", "<u2")])
    rows = np.zeros(2, dtype=record)
    rows["points"] = [[[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[1, 0, 0], [1, 1, 0], [0, 1, 0]]]
    for attributes, told in (([7, 9], 1), ([0, 0], 0)):
        rows["attribute"] = attributes
        (tmp_path / "mesh.stl").write_bytes(bytes(80) + (2).to_bytes(4, "little") + rows.tobytes())
        assert len(read_mesh(tmp_path / "mesh.stl").repaired) == told


def test_numbers_of_an_obj_that_have_no_place_are_told(tmp_path):
    (tmp_path / "mesh.obj").write_text(
        "v 0 0 0 2\nv 1 0 0 1\nv 0 1 0\nvt 0 0 0.5\nvt 1 0 0\nvt 0 1\nf 1/1 2/2 3/3\nl 1 9\n"
    )
    assert read_mesh(tmp_path / "mesh.obj").repaired == (
        "1 vertex weight left out.",
        "1 third texture coordinate left out.",
        "1 line or point without its vertices left out.",
    )


def test_vertex_colours_of_an_obj_may_go_to_255(tmp_path):
    (tmp_path / "mesh.obj").write_text("v 0 0 0\nv 1 0 0 255 51 0\nv 0 1 0\nf 1 2 3\n")
    mesh = read_mesh(tmp_path / "mesh.obj")
    assert mesh.colors is not None
    assert mesh.colors.tolist() == [[1, 1, 1], [1, 0.2, 0], [1, 1, 1]]
    assert "255ths" in mesh.repaired[0]


def test_vertex_colours_tint_the_material_as_a_viewer_shows_them():
    mesh = replace(
        box(),
        uvs=np.array([[0.1, 0.1], [0.9, 0.1], [0.1, 0.9]]),
        colors=np.tile([0.5, 1.0, 1.0], (8, 1)),
        materials=(Material("wall", (1.0, 0.5, 0.0)),),
    )
    triangles = len(mesh.faces)
    polygons = replace(
        mesh.polygons,
        uvs=np.tile([0, 1, 2], triangles),
        materials=np.zeros(triangles, dtype=np.int64),
    )
    mesh = replace(mesh, polygons=polygons)
    place = texels(torch.from_numpy(mesh.uvs), torch.from_numpy(mesh.uv_faces), 16)
    assert baked(mesh, place)[4, 4].tolist() == pytest.approx([0.5, 0.5, 0])
