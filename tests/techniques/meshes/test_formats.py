"""PLY, STL and glTF: trimesh writes and reads the same files."""

import base64
import json
import struct
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from PIL import Image

from techniques.errors import BadInputError
from techniques.meshes.glb_write import glb_bytes, write_glb
from techniques.meshes.mesh import Group, Material, Mesh, Texture
from techniques.meshes.read import read_mesh
from techniques.meshes.shapes import box, icosphere
from techniques.meshes.triangles import polygons_of
from techniques.meshes.weld import weld


def oracle(mesh: Mesh) -> trimesh.Trimesh:
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


def alike(mesh: Mesh, other: trimesh.Trimesh) -> None:
    """The same triangles at the same places, whatever their indices."""
    mine = mesh.vertices[mesh.faces].reshape(-1, 9)
    theirs = np.asarray(other.vertices)[other.faces].reshape(-1, 9)
    assert mine == pytest.approx(theirs, abs=1e-6)


@pytest.fixture
def textured(tmp_path):
    """Two groups with a material each, one with a texture, UVs and normals."""
    Image.new("RGB", (8, 4), (200, 30, 30)).save(tmp_path / "t.png")
    sphere = icosphere(1)
    uvs = np.random.default_rng(1).random((len(sphere.vertices), 2))
    count = len(sphere.faces)
    half = (np.arange(count) >= count // 2).astype(np.int64)
    return replace(
        sphere,
        polygons=polygons_of(
            sphere.faces, uvs=sphere.faces, normals=sphere.faces, materials=half, groups=half
        ),
        uvs=uvs,
        normals=sphere.vertices.copy(),
        materials=(
            Material("brick", texture=Texture("t.png", (tmp_path / "t.png").read_bytes())),
            Material("glass", (0.25, 0.5, 1.0), 0.5),
        ),
        groups=(Group("walls"), Group("windows", ("north",))),
    )


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".glb"])
@pytest.mark.parametrize("text", [False, True])
def test_what_trimesh_writes_is_read(suffix, text, tmp_path):
    mesh = icosphere(2)
    path = tmp_path / f"mesh{suffix}"
    kind = {".stl": "stl_ascii" if text else "stl", ".ply": "ply", ".glb": "glb"}[suffix]
    options = {"encoding": "ascii" if text else "binary"} if suffix == ".ply" else {}
    oracle(mesh).export(path, file_type=kind, **options)
    read = read_mesh(path)
    alike(read, oracle(mesh))
    assert len(weld(read).vertices) == len(mesh.vertices)


def test_a_text_gltf_with_files_beside_it_is_read(tmp_path):
    files = trimesh.exchange.gltf.export_gltf(trimesh.Scene(oracle(icosphere(1))))
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    alike(read_mesh(tmp_path / "model.gltf"), oracle(icosphere(1)))


@pytest.mark.parametrize("order", ["<", ">"])
def test_a_ply_of_quads_normals_colours_and_uvs_in_either_byte_order(order, tmp_path):
    corner = box()
    rows = [
        struct.pack(f"{order}ddd3f2f3B", *point, 0, 0, 1, point[0], point[1], 255, 128, 0)
        for point in corner.vertices
    ]
    quads = [(0, 1, 3, 2), (4, 6, 7, 5)]
    header = (
        f"ply\nformat binary_{'little' if order == '<' else 'big'}_endian 1.0\nelement vertex 8\n"
        "property double x\nproperty double y\nproperty double z\n"
        "property float nx\nproperty float ny\nproperty float nz\nproperty float s\nproperty float t\n"
        "property uchar red\nproperty uchar green\nproperty uchar blue\n"
        "element face 3\nproperty list uchar int vertex_indices\nend_header\n"
    )
    faces = b"".join(struct.pack(f"{order}B4i", 4, *quad) for quad in quads)
    faces += struct.pack(f"{order}B3i", 3, 0, 4, 5)
    path = tmp_path / "mesh.ply"
    path.write_bytes(header.encode() + b"".join(rows) + faces)
    mesh = read_mesh(path)
    assert mesh.polygons.sizes.tolist() == [4, 4, 3]
    assert (mesh.vertices == corner.vertices).all()
    assert mesh.colors is not None
    assert mesh.colors[0] == pytest.approx([1, 128 / 255, 0])
    assert mesh.has_uvs
    assert (mesh.uvs == corner.vertices[:, :2]).all()
    assert (mesh.normal_faces == mesh.faces).all()


@pytest.mark.parametrize("order", ["little", "big"])
def test_empty_lists_of_a_binary_ply_are_no_damage(order, tmp_path):
    """A scanner's cloud says ``element face 0``; VCG's library adds ``element tristrips 0`` to a mesh."""
    start = f"ply\nformat binary_{order}_endian 1.0\nelement vertex 3\n"
    start += "".join(f"property float {axis}\n" for axis in "xyz")
    points = np.eye(3).astype({"little": "<f4", "big": ">f4"}[order]).tobytes()
    path = tmp_path / "mesh.ply"
    path.write_bytes(
        f"{start}element face 0\nproperty list uchar int vertex_indices\nend_header\n".encode() + points
    )
    with pytest.raises(BadInputError, match="has no faces"):
        read_mesh(path)
    lists = "element tristrips 0\nproperty list int int vertex_indices\n"
    lists += "element face 1\nproperty list uchar uchar vertex_indices\nend_header\n"
    path.write_bytes((start + lists).encode() + points + bytes([3, 0, 1, 2]))
    assert read_mesh(path).faces.tolist() == [[0, 1, 2]]


def test_a_glb_is_the_same_surface_with_its_names_in_trimesh_and_in_our_reader(textured, tmp_path):
    path = tmp_path / "mesh.glb"
    write_glb(path, textured)
    scene = trimesh.load(path, process=False)
    assert sorted(scene.geometry) == ["walls", "windows north"]
    assert sum(len(part.faces) for part in scene.geometry.values()) == len(textured.faces)
    brick = scene.geometry["walls"].visual.material
    assert brick.name == "brick"
    assert brick.baseColorTexture.size == (8, 4)
    assert scene.geometry["windows north"].visual.material.alphaMode == "BLEND"
    back = read_mesh(path)
    alike(back, oracle(textured))
    assert [group.object for group in back.groups] == ["walls", "windows north"]
    assert [material.name for material in back.materials] == ["brick", "glass"]
    assert back.materials[1].color == pytest.approx((0.25, 0.5, 1.0))
    assert back.materials[1].opacity == 0.5
    first, again = textured.materials[0].texture, back.materials[0].texture
    assert first is not None
    assert again is not None
    assert (again.name, again.data) == (first.name, first.data)
    assert back.uvs[back.uv_faces] == pytest.approx(textured.uvs[textured.uv_faces], abs=1e-6)
    assert back.normals[back.normal_faces] == pytest.approx(textured.normals[textured.normal_faces], abs=1e-6)


def test_faces_without_coordinates_or_normals_take_them_from_no_others_in_a_glb(textured, tmp_path):
    uvs, normals = textured.polygons.uvs.copy(), textured.polygons.normals.copy()
    uvs[:3] = -1
    normals[3:6] = -1
    given = textured.normals.copy()
    given[textured.faces[-1, 0]] = 0
    mesh = replace(textured, normals=given, polygons=replace(textured.polygons, uvs=uvs, normals=normals))
    write_glb(tmp_path / "mesh.glb", mesh)
    back = read_mesh(tmp_path / "mesh.glb")

    def having(mesh, index):
        """The middles of the triangles that have what ``index`` names."""
        middles = mesh.vertices[mesh.faces[(index >= 0).all(axis=1)]].mean(axis=1)
        return sorted(middles.round(3).tolist())

    assert having(back, back.uv_faces) == having(mesh, mesh.uv_faces)
    touched = (mesh.faces == textured.faces[-1, 0]).any(axis=1)
    assert having(back, back.normal_faces) == having(mesh, np.where(touched[:, None], -1, mesh.normal_faces))
    bare = (back.uv_faces < 0).all(axis=1)
    worn = [back.materials[number] for number in back.polygons.materials[back.face_polygons]]
    assert [one.texture is None for one, lacks in zip(worn, bare, strict=True) if one.name != "glass"] == [
        lacks for one, lacks in zip(worn, bare, strict=True) if one.name != "glass"
    ]


def test_a_glb_stands_upright_in_metres_and_keeps_its_digits_far_away(tmp_path):
    far = np.array([400_000.0, 5_800_000.0, 120.0])
    mesh = Mesh.from_triangles(box((1, 2, 3)).vertices * 1000 + far * 1000, box().faces, up="z")
    write_glb(tmp_path / "mesh.glb", mesh, metres=0.001)
    back = read_mesh(tmp_path / "mesh.glb")
    assert np.ptp(back.vertices, axis=0) == pytest.approx([1, 3, 2], abs=1e-9)
    assert back.vertices.mean(axis=0) == pytest.approx([far[0], far[2], -far[1]], abs=1e-6)
    assert trimesh.load(tmp_path / "mesh.glb").to_geometry().volume == pytest.approx(6, rel=1e-3)


def _document(**changes):
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]], dtype="<f4").tobytes()
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, "children": [1]}, {"mesh": 0, "translation": [5, 0, 0], "scale": [-1, 1, 1]}],
        "meshes": [{"primitives": [{"attributes": {"POSITION": 0}, "mode": 5}]}],
        "accessors": [{"bufferView": 0, "componentType": 5126, "count": 4, "type": "VEC3"}],
        "bufferViews": [{"buffer": 0, "byteLength": 48}],
        "buffers": [
            {
                "byteLength": 48,
                "uri": f"data:application/octet-stream;base64,{base64.b64encode(points).decode()}",
            }
        ],
        **changes,
    }


def test_strips_instances_and_mirrored_nodes(tmp_path):
    path = tmp_path / "mesh.gltf"
    path.write_text(json.dumps(_document()))
    mesh = read_mesh(path)
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    assert np.cross(b - a, c - a)[:, 2].tolist() == [1, 1, 1, 1]  # all seen from the same side
    assert mesh.vertices[:, 0].max() == 5


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"extensionsRequired": ["KHR_draco_mesh_compression"]}, "needs KHR_draco_mesh_compression"),
        ({"asset": {"version": "1.0"}}, "is not glTF 2.0"),
        ({"nodes": [{"mesh": 0, "children": [1]}, {"children": [0]}]}, "form a loop"),
        ({"buffers": [{"byteLength": 48, "uri": "../secret.bin"}]}, "which is not in its folder"),
        ({"buffers": [{"byteLength": 4, "uri": "data:;base64,AAAA"}]}, "buffer is too short"),
        ({"meshes": []}, "is damaged"),
        ({"nodes": [{}], "meshes": []}, "has no faces"),
        ({"accessors": [{"componentType": 5126, "count": 10**12, "type": "VEC3"}]}, "more than"),
        ({"nodes": 5}, "is damaged"),
    ],
)
def test_bad_gltf_is_refused_with_its_reason(tmp_path, changes, reason):
    (tmp_path / "secret.bin").write_bytes(b"\0" * 48)
    path = tmp_path / "inside" / "mesh.gltf"
    path.parent.mkdir()
    path.write_text(json.dumps(_document(**changes)))
    with pytest.raises(BadInputError, match=reason):
        read_mesh(path)


@pytest.mark.parametrize("suffix", [".stl", ".ply", ".glb", ".gltf", ".obj"])
@pytest.mark.parametrize("keep", [0.98, 0.5, 0.1, 0.01])
def test_a_file_that_is_cut_short_is_refused_or_read_in_part_but_never_crashes(suffix, keep, tmp_path):
    path = tmp_path / f"mesh{suffix}"
    if suffix == ".gltf":
        path.write_text(json.dumps(_document()))
    elif suffix == ".glb":
        path.write_bytes(glb_bytes(icosphere(1)))
    else:
        oracle(icosphere(1)).export(path)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    if suffix == ".obj":  # text without an end mark
        with suppress(BadInputError):
            read_mesh(path)
        return
    with pytest.raises(BadInputError) as refused:
        read_mesh(path)
    assert str(path) in str(refused.value)
