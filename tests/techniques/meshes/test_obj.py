import io
import os
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from techniques.errors import BadInputError
from techniques.meshes import limits, obj_lines, obj_read, read
from techniques.meshes.mesh import Map, Mesh
from techniques.meshes.obj_write import write_obj
from techniques.meshes.read import read_mesh
from techniques.meshes.shapes import box, icosphere
from techniques.meshes.uvs import with_uvs

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"


@pytest.fixture
def obj(tmp_path):
    def make(text, name="mesh.obj"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return make


def area(mesh: Mesh) -> float:
    a, b, c = mesh.vertices[mesh.faces].transpose(1, 0, 2)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def same(a: Mesh, b: Mesh) -> None:
    """Identical topology, groups and coordinates, to the last bit."""
    assert a.vertices.tobytes() == b.vertices.tobytes()
    assert a.uvs.tobytes() == b.uvs.tobytes()
    assert a.normals.tobytes() == b.normals.tobytes()
    assert (a.colors is None) == (b.colors is None)
    if a.colors is not None:
        assert a.colors.tobytes() == b.colors.tobytes()
    for name in ("offsets", "vertices", "uvs", "normals", "smoothing"):
        assert (getattr(a.polygons, name) == getattr(b.polygons, name)).all(), name
    for table, index in (("materials", "materials"), ("groups", "groups")):
        mine = [getattr(a, table)[i] if i >= 0 else None for i in getattr(a.polygons, index)]
        assert mine == [getattr(b, table)[i] if i >= 0 else None for i in getattr(b.polygons, index)]
    assert (a.corners == b.corners).all()
    assert a.wires == b.wires


def round_trip(mesh: Mesh, folder) -> Mesh:
    folder.mkdir(exist_ok=True)
    return read_mesh(write_obj(folder / "again.obj", mesh).mesh)


def test_negative_indices_count_from_what_has_been_read_so_far(obj):
    # Vertices and faces in turns: trimesh 5.2 finds 3 vertices here.
    mesh = read_mesh(
        obj("v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 5 0 0\nv 6 0 0\nv 5 1 0\nf -3 -2 -1\nf 1 -5 3\n")
    )
    assert len(mesh.vertices) == 6
    assert mesh.faces.tolist() == [[0, 1, 2], [3, 4, 5]]
    assert mesh.repaired == ("1 triangle is there twice: kept in the file, used once.",)


def test_a_concave_polygon_covers_itself_and_nothing_else(obj):
    # An L; a fan from its first corner covers 4.0.
    mesh = read_mesh(obj("v 0 0 0\nv 2 0 0\nv 2 1 0\nv 1 1 0\nv 1 2 0\nv 0 2 0\nf 2 3 4 5 6 1\n"))
    assert area(mesh) == pytest.approx(3.0)
    assert len(mesh.polygons) == 1
    normals = np.cross(
        mesh.vertices[mesh.faces[:, 1]] - mesh.vertices[mesh.faces[:, 0]],
        mesh.vertices[mesh.faces[:, 2]] - mesh.vertices[mesh.faces[:, 0]],
    )
    assert (normals[:, 2] > 0).all()  # wound as the polygon is


def test_a_concave_quadrilateral_is_cut_at_its_inner_corner(obj):
    mesh = read_mesh(obj("v 0 0 0\nv 2 0 0\nv 0.5 0.5 0\nv 0 2 0\nf 1 2 3 4\nf 2 3 4 1\n"))
    assert area(mesh) == pytest.approx(1.0)
    twisted = read_mesh(obj("v 0 0 0\nv 2 0 0\nv 0.5 0.5 0\nv 0 2 0\nf 2 3 4 1\n"))
    assert area(twisted) == pytest.approx(1.0)


@settings(deadline=None, max_examples=40)
@given(st.integers(3, 24), st.integers(0, 10**6), st.tuples(*[st.floats(-1, 1)] * 3), st.booleans())
def test_star_shaped_polygons_keep_their_area_in_any_plane(count, seed, normal, backwards):
    random = np.random.default_rng(seed)
    angles = 2 * np.pi * (np.arange(count) + random.uniform(0, 0.8, count)) / count
    radii = random.uniform(0.2, 1, count)
    flat = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    after = np.roll(flat, -1, axis=0)
    shoelace = abs(float((flat[:, 0] * after[:, 1] - flat[:, 1] * after[:, 0]).sum() / 2))
    axis = np.array(normal) if np.linalg.norm(normal) > 0.1 else np.array([0, 0, 1.0])
    u = np.cross(axis, np.eye(3)[np.abs(axis).argmin()])
    u /= np.linalg.norm(u)
    v = np.cross(axis, u) / np.linalg.norm(axis)
    points = flat @ np.stack([u, v]) + [4e5, 5e6, 100]
    ring = list(range(count))[:: -1 if backwards else 1]
    from techniques.meshes.triangulate import triangulate

    triangles, _ = triangulate(points, np.array([0, count]), np.array(ring))
    mesh = Mesh.from_triangles(points, np.array(ring)[triangles])
    assert area(mesh) == pytest.approx(shoelace, rel=1e-4)


def test_a_room_with_a_window_hole_bridged_as_sketchup_does(obj):
    # One ring that runs to the hole and back: 4 x 4 minus 2 x 2.
    text = "v 0 0 0\nv 4 0 0\nv 4 4 0\nv 0 4 0\nv 1 1 0\nv 1 3 0\nv 3 3 0\nv 3 1 0\nf 1 2 3 4 1 5 6 7 8 5\n"
    assert area(read_mesh(obj(text))) == pytest.approx(12.0)


def test_everything_in_one_file_comes_back_to_the_last_bit(obj, tmp_path):
    Image.new("RGB", (4, 4), "red").save(tmp_path / "roter Ziegel.png")
    obj(
        "newmtl Wand außen\nKd 0.1 0.2 0.3\nNs 10.0\nillum 2\nmap_Kd -s 2 2 1 -clamp on roter Ziegel.png\n"
        "newmtl Glas\nKd 1 1 1\nTr 0.75\n",
        "house.mtl",
    )
    text = (
        "# a house\r\nmtllib house.mtl\r\n"
        "v 400000.123456789 5800000.1 0.1 0.5 0.25 1\r\nv 400001.3 5800000.1 0.30000000000000004\r\n"
        "v 400001.3 5800001.7 1e-3\r\nv 400000.1 5800001.7 -0\r\nv 0 0 5\r\nv 9 9 9\r\n"
        "vt 0.5 0.25 0\r\nvt 1.5\r\nvt 0 1\r\nvn 0 0 1\r\nvn 0 1 0\r\n"
        "o Haus Süd\r\ng Wände Nord\r\ns 2\r\nusemtl Wand außen\r\n"
        "f 1/1/1 2/2/1 \\\r\n  3/3/1 4/1/1\r\n"
        "usemtl Glas\r\ng\r\ns off\r\nf -6//2 -5//2 -2//2\r\nf 1/1 2/2 5/3\r\n"
        "o Dach\r\nusemtl nirgends\r\nf 2 3 5\r\nl 1 6\r\np 6"
    )
    mesh = read_mesh(obj(text))
    assert mesh.polygons.sizes.tolist() == [4, 3, 3, 3]
    assert len(mesh.faces) == 4  # two of the quadrilateral; one triangle is there twice
    groups = [mesh.groups[index] for index in mesh.polygons.groups]
    assert [group.object for group in groups] == ["Haus Süd", "Haus Süd", "Haus Süd", "Dach"]
    assert [group.names for group in groups] == [("Wände", "Nord"), (), (), ()]
    wall, glass, nowhere = mesh.materials
    assert wall.texture is not None
    assert wall.texture.name == "roter Ziegel.png"
    assert wall.statements == ("Ns 10.0", "illum 2")
    assert wall.texture_options == "-s 2 2 1 -clamp on"
    assert glass.opacity == 0.25
    assert any("nirgends" in line for line in mesh.repaired)
    again = round_trip(mesh, tmp_path / "out")
    same(mesh, again)
    assert (tmp_path / "out" / "roter Ziegel.png").read_bytes() == (
        tmp_path / "roter Ziegel.png"
    ).read_bytes()
    assert nowhere == again.materials[2]


floats = st.floats(-1e12, 1e12, allow_nan=False)


@settings(deadline=None, max_examples=40)
@given(st.data())
def test_any_mesh_comes_back_to_the_last_bit(tmp_path_factory, data):
    count = data.draw(st.integers(3, 8))
    points = data.draw(st.lists(st.tuples(floats, floats, floats), min_size=count, max_size=count))
    lines = [f"v {x!r} {y!r} {z!r}" for x, y, z in points]
    lines += ["vt 0.1 0.2", "vn 0 0 1"]
    names = st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="#\\"), min_size=1)
    lines += ["v 0 0 0", "v 1 0 0", "v 0 1 0", "f -3 -2 -1"]
    for _ in range(data.draw(st.integers(1, 6))):
        if data.draw(st.booleans()):
            lines.append(f"{data.draw(st.sampled_from(['o', 'g', 'usemtl']))} {data.draw(names)}")
        form = data.draw(st.sampled_from(["{0}", "{0}/1", "{0}//1", "{0}/1/1", "{0}/-1"]))
        corners = data.draw(st.lists(st.integers(1, count), min_size=1, max_size=7))
        lines.append("f " + " ".join(form.format(corner) for corner in corners))
    folder = tmp_path_factory.mktemp("any")
    (folder / "mesh.obj").write_text(data.draw(st.sampled_from(["\n", "\r\n", "\r"])).join(lines), newline="")
    mesh = read_mesh(folder / "mesh.obj")
    same(mesh, round_trip(mesh, folder / "out"))


@pytest.mark.parametrize("mesh", [box(), icosphere(2)], ids=["box", "sphere"])
def test_what_we_write_reads_the_same_in_trimesh(mesh, tmp_path):
    written = write_obj(tmp_path / "mesh.obj", mesh)
    other = trimesh.load(written.mesh, process=False, maintain_order=True)
    assert (other.vertices == mesh.vertices).all()
    assert (other.faces == mesh.faces).all()


def test_names_that_are_not_utf8_are_read_as_latin1(obj):
    mesh = read_mesh(obj(SQUARE.encode() + "g Wände\nf 1 2 3\n".encode("latin-1")))
    assert mesh.groups[0].names == ("Wände",)


def test_a_byte_order_mark_is_no_vertex(obj):
    assert len(read_mesh(obj(b"\xef\xbb\xbf" + SQUARE.encode() + b"f 1 2 3 4")).vertices) == 4


def test_faces_without_extent_are_kept_in_the_file_and_not_computed(obj, tmp_path):
    mesh = read_mesh(obj(SQUARE + "v 0 0 0\nf 1 2 2\nf 1 2 5\nf 1 2\nf 1 2 3 4\nf 4 3 2 1\n"))
    assert mesh.faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert len(mesh.polygons) == 5
    assert any("3 faces have no extent" in line for line in mesh.repaired)
    assert any("2 triangles are there twice" in line for line in mesh.repaired)
    same(mesh, round_trip(mesh, tmp_path / "out"))


def test_uvs_of_repeated_and_torn_faces(obj, tmp_path):
    mesh = read_mesh(obj(SQUARE + "v 2 0 0\nv 2 1 0\nf 1 2 3 4\nf 4 3 2 1\nf 2 5 6 3\nf 1 1 2\n"))
    uvs = np.random.default_rng(0).random((12, 2))
    # The first quadrilateral's triangles agree at their shared corners, those of the second do not.
    uv_faces = np.array([[0, 1, 2], [0, 2, 3], [4, 5, 6], [7, 8, 9]])
    changed, cut = with_uvs(mesh, uvs, uv_faces)
    assert cut == 1
    assert (changed.uv_faces == uv_faces).all()
    assert (changed.faces == mesh.faces).all()
    assert changed.polygons.sizes.tolist() == [4, 4, 3, 3, 3]
    # The face that repeats the first one backwards has the same picture at the same corners.
    assert changed.polygons.uvs[4:8].tolist() == [3, 2, 1, 0]
    again = round_trip(changed, tmp_path / "out")
    same(changed, again)


def test_a_moved_corner_takes_its_normal_along_and_leaves_the_others(obj):
    text = (
        SQUARE
        + "v 5 0 0\nv 6 0 0\nv 5 1 0\nvn 0 0 1\nvn 0.6 0 0.8\nf 1//1 2//1 3//1 4//1\nf 5//2 6//2 7//2\n"
    )
    mesh = read_mesh(obj(text))
    lifted = mesh.vertices.copy()
    lifted[:4, 2] = lifted[:4, 0]  # the square, turned by 45 degrees about y
    moved = mesh.moved(lifted)
    assert moved.normals[0] == pytest.approx([-(0.5**0.5), 0, 0.5**0.5])
    assert moved.normals[1].tolist() == [0.6, 0, 0.8]
    assert mesh.moved(mesh.vertices.copy()).normals is mesh.normals


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (SQUARE, "has no faces"),
        ("# nothing\n\n", "is not an OBJ file"),
        ("hello\nworld\n", "is not an OBJ file"),
        (b"\x00\x01\x02glTF", "binary data"),
        ("v 0 0 0\n".encode("utf-16"), "UTF-16"),
        ("v 0 0 0\nv 1 0 0\nv 0 nan 0\nf 1 2 3\n", "vertex 3 is not a point (0.0, nan, 0.0)"),
        ("v 0 0 0\nv 1 0 0\nv 0 inf 0\nf 1 2 3\n", "vertex 3 is not a point"),
        ("v 0 0 0\nv 1 0 0\nv 0 1e30 0\nf 1 2 3\n", "beyond 1e+15"),
        (SQUARE + "f 1 2 9\n", "face 1 uses vertex 9, but there are 4"),
        (SQUARE + "f 1/1 2/1 3/1\n", "uses texture coordinate 1, but there are 0"),
        (SQUARE + "f 1 2 0\n", "line 5: 'f 1 2 0' cannot be read (index 0"),
        (SQUARE + "f -5 2 3\n", "cannot be read (index -5"),
        ("v 0,5 0 0\nf 1 1 1", "line 1: 'v 0,5 0 0' cannot be read (is a decimal comma"),
        ("v 0 0\nf 1 1 1", "line 1: 'v 0 0' cannot be read"),
        (SQUARE + "f 1 1 2\n", "has no faces"),
        ("v 0 0 0\nv 1 1 1\nv 2 2 2\nv 3 3 3\nf 1 2 3\nf 2 3 4\n", "has faces without area only"),
        ("vp 0 1\ncstype bezier\ncurv 0 1 1 2\n", "has no faces"),
    ],
)
def test_what_cannot_be_a_surface_is_refused_with_its_reason(obj, text, reason):
    path = obj(text)
    with pytest.raises(BadInputError) as refused:
        read_mesh(path)
    assert reason in str(refused.value)
    assert str(path) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_other_paths_are_refused(tmp_path):
    (tmp_path / "mesh.dwg").write_text("x")
    for path, reason in (
        (tmp_path / "none.obj", "does not exist"),
        (tmp_path, "not an ordinary file"),
        (tmp_path / "mesh.dwg", "meshes are read from .obj"),
        (tmp_path / ("x" * 300 + ".obj"), "cannot be opened"),
    ):
        with pytest.raises(BadInputError, match=reason):
            read_mesh(path)


@pytest.mark.parametrize(
    ("small", "text", "reason"),
    [
        ({"vertices": 3}, SQUARE + "f 1 2 3", "more than 3 vertices"),
        ({"corners": 3}, SQUARE + "f 1 2 3 4", "more than 3 corners of faces"),
        ({"line": 40}, SQUARE + "f" + " 1 2 3" * 20, "more than 40 characters in line 5"),
        ({"line": 40}, SQUARE + "f 1 2 \\\n" * 30, "more than 40 characters"),
        ({"file_bytes": 20}, SQUARE + "f 1 2 3", "more than 20 bytes"),
    ],
)
def test_limits_are_said(obj, monkeypatch, small, text, reason):
    for module in (obj_lines, obj_read, read):
        monkeypatch.setattr(module, "LIMITS", replace(limits.LIMITS, **small))
    with pytest.raises(BadInputError, match=reason):
        read_mesh(obj(text))


@pytest.mark.parametrize(
    "name",
    [
        "/etc/secret.png",
        "../secret.png",
        "..\\secret.png",
        "C:\\Users\\ich\\secret.png",
        "a/../../secret.png",
    ],
)
def test_materials_never_reach_outside_the_mesh_s_folder(obj, tmp_path, name):
    Image.new("RGB", (2, 2)).save(tmp_path / "secret.png")
    inside = tmp_path / "inside"
    inside.mkdir()
    obj(f"newmtl a\nmap_Kd {name}\n", "inside/a.mtl")
    path = obj(SQUARE + "mtllib a.mtl\nusemtl a\nf 1 2 3 4\n", "inside/mesh.obj")
    mesh = read_mesh(path)
    assert mesh.materials[0].texture is None
    assert any(name in line and "not in the mesh's folder" in line for line in mesh.repaired)
    # The same name finds the copy that lies beside the mesh.
    Image.new("RGB", (3, 3)).save(inside / "Secret.PNG")
    texture = read_mesh(path).materials[0].texture
    assert texture is not None
    assert texture.name == "Secret.PNG"


def test_links_out_of_the_folder_are_not_followed(obj, tmp_path):
    Image.new("RGB", (2, 2)).save(tmp_path / "secret.png")
    (tmp_path / "secret.mtl").write_text("newmtl a\nKd 1 0 0\n")
    path = obj(SQUARE + "mtllib a.mtl\nusemtl a\nf 1 2 3 4\n", "inside/mesh.obj")
    (path.parent / "a.mtl").symlink_to(tmp_path / "secret.mtl")
    assert read_mesh(path).materials[0].color == (1, 1, 1)
    (path.parent / "a.mtl").unlink()
    (path.parent / "a.mtl").write_text("newmtl a\nmap_Kd link.png\n")
    (path.parent / "link.png").symlink_to(tmp_path / "secret.png")
    assert read_mesh(path).materials[0].texture is None
    os.mkfifo(path.parent / "pipe.png")
    (path.parent / "a.mtl").write_text("newmtl a\nmap_Kd pipe.png\n")
    assert read_mesh(path).materials[0].texture is None


def cut_short(kind):
    """The first half of a picture's file: its header is sound."""
    buffer = io.BytesIO()
    Image.effect_noise((64, 64), 80).save(buffer, kind)
    return buffer.getvalue()[: len(buffer.getvalue()) // 2]


@pytest.mark.parametrize(
    "content", [b"not a picture", cut_short("JPEG"), cut_short("PNG")], ids=["text", "jpeg", "png"]
)
def test_a_damaged_texture_is_named_and_its_line_kept(obj, tmp_path, content):
    (tmp_path / "brick.jpg").write_bytes(content)
    obj("newmtl a\nmap_Kd brick.jpg\n", "a.mtl")
    mesh = read_mesh(obj(SQUARE + "mtllib a.mtl\nusemtl a\nf 1 2 3 4\n"))
    assert mesh.materials[0].texture is None
    assert mesh.materials[0].maps == (Map("map_Kd brick.jpg"),)
    assert any("brick.jpg is damaged" in line for line in mesh.repaired)


def test_a_texture_never_replaces_a_stranger_s_file(obj, tmp_path):
    Image.new("RGB", (2, 2), "red").save(tmp_path / "brick.png")
    obj("newmtl a\nmap_Kd brick.png\n", "a.mtl")
    mesh = read_mesh(obj(SQUARE + "mtllib a.mtl\nusemtl a\nf 1 2 3 4\n"))
    out = tmp_path / "out"
    out.mkdir()
    (out / "brick.png").write_bytes(b"mine")
    same(mesh, replace(read_mesh(write_obj(out / "new.obj", mesh).mesh), materials=mesh.materials))
    assert (out / "brick.png").read_bytes() == b"mine"
    assert (out / "new_brick.png").exists()
    write_obj(out / "new.obj", mesh, replacing=[out / "brick.png"])
    assert (out / "brick.png").read_bytes() != b"mine"


def test_a_texture_that_lies_there_already_stays_the_user_s(obj, tmp_path):
    brick = tmp_path / "brick.png"
    Image.new("RGB", (2, 2), "red").save(brick)
    obj("newmtl a\nmap_Kd brick.png\n", "a.mtl")
    mesh = read_mesh(obj(SQUARE + "mtllib a.mtl\nusemtl a\nf 1 2 3 4\n"))
    before = brick.stat()
    written = write_obj(tmp_path / "fit.obj", mesh)
    assert written.beside == (tmp_path / "fit.mtl",)
    assert brick.stat() == before
    assert read_mesh(written.mesh).materials[0].texture == mesh.materials[0].texture
    # Another mesh of the same names, fitted to the same place later.
    texture = replace(mesh.materials[0].texture, data=b"another picture")
    other = replace(mesh, materials=(replace(mesh.materials[0], texture=texture),))
    again = write_obj(written.mesh, other, replacing=[written.mesh, *written.beside])
    assert brick.stat() == before
    assert again.beside == (tmp_path / "fit.mtl", tmp_path / "fit_brick.png")


def test_further_pictures_of_a_material_go_along_and_nothing_else(obj, tmp_path):
    Image.new("RGB", (2, 2), "red").save(tmp_path / "brick.png")
    (tmp_path / "relief.tga").write_bytes(b"a format that is not read here")
    (tmp_path / "notes.txt").write_text("private")
    lines = [
        "map_Ka brick.png",
        "map_Kd -s 2 2 brick.png",
        "map_Bump -bm 0.3 .\\relief.tga",
        "map_d gone.png",
    ]
    obj("\n".join(["newmtl a", *lines, "bump notes.txt", "map_aat on"]), "a.mtl")
    mesh = read_mesh(obj(SQUARE + "mtllib a.mtl\nusemtl a\nf 1 2 3 4\n"))
    assert [line for line in mesh.repaired if "gone.png" in line and "its line is kept" in line]
    (tmp_path / "out").mkdir()
    written = write_obj(tmp_path / "out" / "again.obj", mesh)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "again.obj", "again.mtl", "brick.png", "relief.tga"
    }  # fmt: skip
    assert (tmp_path / "out" / "relief.tga").read_bytes() == (tmp_path / "relief.tga").read_bytes()
    assert read_mesh(written.mesh).materials == mesh.materials
    said = (tmp_path / "out" / "again.mtl").read_text().splitlines()
    for line in ("map_Ka brick.png", "map_Kd -s 2 2 brick.png", "map_Bump -bm 0.3 relief.tga", *lines[3:]):
        assert line in said
