import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from techniques.meshes.mesh import Mesh
from techniques.meshes.shapes import box, icosphere
from techniques.meshes.uvs import with_uvs
from techniques.meshes.weld import weld


def _trimesh(mesh):
    return trimesh.Trimesh(mesh.vertices, mesh.faces, process=False)


@pytest.mark.parametrize("mesh", [box((1, 2, 3)), icosphere(0), icosphere(3)], ids=["box", "ico0", "ico3"])
def test_shapes_are_closed_and_face_outwards(mesh):
    other = _trimesh(mesh)
    assert other.is_watertight
    assert other.is_winding_consistent
    assert other.volume > 0
    assert other.euler_number == 2


def test_an_icosphere_has_the_sphere_s_volume_and_count():
    mesh = icosphere(4)
    assert len(mesh.faces) == 20 * 4**4
    assert _trimesh(mesh).volume == pytest.approx(4 / 3 * np.pi, rel=0.01)


def test_the_unit_frame_is_centred_inside_the_unit_sphere_and_upright():
    mesh = Mesh.from_triangles(
        icosphere(2).vertices * [1, 1, 5] + [400_000, 5_800_000, 120], icosphere(2).faces, up="z"
    )
    frame = mesh.normalised()
    assert frame.vertices.dtype == np.float32
    assert np.linalg.norm(frame.vertices, axis=1).max() == pytest.approx(1, abs=1e-6)
    extent = np.ptp(frame.vertices, axis=0)
    assert extent.argmax() == 1  # the file's z, its longest, stands upright
    assert np.linalg.det(frame.axes) == pytest.approx(1)  # a turn, not a mirror


@pytest.mark.parametrize("up", ["y", "z"])
def test_far_from_the_origin_area_survives_float32(up):
    # The case of the reference: 500 km away, float32 alone turns 0.005 into 0.0234.
    corner = np.array([500_000.0, 5_500_000.0, 0])
    mesh = Mesh.from_triangles(np.add(corner, [[0, 0, 0], [0.1, 0, 0], [0, 0.1, 0]]), [[0, 1, 2]], up=up)
    frame = mesh.normalised()
    a, b, c = frame.vertices.astype(np.float64)
    assert np.linalg.norm(np.cross(b - a, c - a)) / 2 * frame.scale**2 == pytest.approx(0.005, rel=1e-4)


numbers = st.floats(-1e7, 1e7, allow_nan=False, allow_subnormal=False)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(numbers, numbers, numbers), min_size=3, max_size=12),
    st.sampled_from(["y", "z"]),
    st.data(),
)
def test_the_way_back_is_exact_for_what_did_not_move(points, up, data):
    points = [*points, (-0.0, 0.0, -0.0)]
    mesh = Mesh.from_triangles(points, [[0, 1, 2]], up=up)
    frame = mesh.normalised()
    assert frame.back(frame.vertices).tobytes() == mesh.vertices.tobytes()
    which = data.draw(st.integers(0, len(points) - 1))
    moved = frame.vertices.copy()
    moved[which] += np.float32(0.25)
    back = frame.back(moved)
    others = np.arange(len(points)) != which
    assert back[others].tobytes() == mesh.vertices[others].tobytes()
    step = np.linalg.norm(back[which] - mesh.vertices[which])
    actual = np.linalg.norm(moved[which].astype(float) - frame.vertices[which].astype(float))
    assert step == pytest.approx(actual * frame.scale, rel=1e-6, abs=1e-6 * np.abs(mesh.vertices).max())


def test_the_axes_go_there_and_back():
    mesh = Mesh.from_triangles(box().vertices, box().faces, up="z")
    frame = mesh.normalised()
    lifted = frame.vertices + np.float32([0, 0.5, 0])  # up, in the unit frame
    step = frame.back(lifted) - mesh.vertices
    assert step == pytest.approx(np.tile([0, 0, 0.5 * frame.scale], (8, 1)), abs=1e-6)


def test_welding_joins_what_the_file_left_apart_and_nothing_else():
    sphere = icosphere(2)
    loose = Mesh.from_triangles(
        sphere.vertices[sphere.faces].reshape(-1, 3), np.arange(3 * len(sphere.faces))
    )
    assert not _trimesh(loose).is_watertight
    welded = weld(loose)
    assert len(welded.vertices) == len(sphere.vertices)
    assert trimesh.Trimesh(welded.vertices, welded.faces, process=False).is_watertight
    assert (welded.vertices[welded.index] == loose.vertices).all()
    same = weld(sphere)
    assert (same.index == np.arange(len(sphere.vertices))).all()
    assert (same.faces == sphere.faces).all()


def test_minus_zero_and_zero_are_one_place():
    mesh = Mesh.from_triangles(
        [[0, 0, 0], [1, 0, 0], [0, 1, 0], [-0.0, 0, 0], [0, 0, 1]], [[0, 1, 2], [3, 2, 4]]
    )
    assert len(weld(mesh).vertices) == 4


def test_other_uvs_are_kept_by_corner():
    mesh = box()
    uvs = np.arange(72, dtype=np.float64).reshape(-1, 2)
    uv_faces = np.arange(36).reshape(-1, 3)
    changed, cut = with_uvs(mesh, uvs, uv_faces)
    assert cut == 0
    assert changed.has_uvs
    assert not mesh.has_uvs
    assert (changed.uv_faces == uv_faces).all()
    assert (changed.faces == mesh.faces).all()


def test_indices_that_point_nowhere_are_refused():
    with pytest.raises(ValueError, match="outside"):
        Mesh.from_triangles([[0, 0, 0], [1, 0, 0], [0, 1, 0]], [[0, 1, 3]])
