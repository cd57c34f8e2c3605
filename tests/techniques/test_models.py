"""The viewer page in a real browser: what a client sees after a double click on the file."""

import base64
import hashlib
import io
import re
import shutil
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pytest
from PIL import Image

from techniques.meshes.glb_write import glb_bytes
from techniques.meshes.mesh import Material
from techniques.meshes.shapes import icosphere
from techniques.meshes.triangles import polygons_of
from techniques.models import Models, Viewer
from techniques.pictures import Picture
from techniques.report import Page, render
from tests.needs import need


def ball(color) -> bytes:
    sphere = icosphere(2)
    count = len(sphere.faces)
    return glb_bytes(
        replace(
            sphere,
            polygons=polygons_of(sphere.faces, materials=np.zeros(count, dtype=np.int64)),
            materials=(Material("paint", color),),
        )
    )


@pytest.fixture(scope="module")
def html():
    grey = Picture(np.full((40, 60, 3), 0.5, dtype=np.float32))
    models = Models(ball((0.05, 0.8, 0.1)), ball((0.9, 0.05, 0.05)))
    return render(
        Page("A ball", grey, grey, [("s.png", grey)], None, [], [], {}, "deepdesign x", models=models)
    )


def middle(shot: bytes) -> np.ndarray:
    """The colour of the viewer's middle tenth, and the whole picture."""
    return np.asarray(Image.open(io.BytesIO(shot)).convert("RGB"), dtype=np.float64)


def test_the_vendored_component_is_the_one_its_note_describes():
    folder = files("techniques").joinpath("templates/model-viewer")
    data = folder.joinpath("model-viewer-umd.min.js").read_bytes()
    assert hashlib.sha256(data).hexdigest() in folder.joinpath("README.md").read_text()
    assert b"</script" not in data
    assert "Apache License" in folder.joinpath("LICENSE").read_text()


def test_a_page_holds_both_models_whole(html):
    found = re.findall(r'id="model-(\w+)">([^<]*)<', html)
    assert [name for name, _ in found] == ["after", "before"]
    assert [base64.b64decode(data)[:4] for _, data in found] == [b"glTF", b"glTF"]


def test_a_notebook_shows_the_page_in_a_frame(html):
    shown = Viewer(html)._repr_html_()
    assert shown.startswith("<iframe srcdoc=")
    assert "<script>" not in shown  # escaped: it belongs to the frame


@pytest.mark.xdist_group("chromium")
def test_before_and_after_are_seen_in_a_browser_and_nothing_is_fetched(html, tmp_path):
    need("chromium")
    from playwright.sync_api import sync_playwright

    path = tmp_path / "ball.html"
    path.write_text(html, encoding="utf-8")
    asked, complaints = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"),
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        page = browser.new_page(viewport={"width": 500, "height": 420})
        page.set_default_timeout(180_000)  # a processor draws here, and others want it too
        page.on("request", lambda request: asked.append(request.url))
        page.on(
            "console", lambda message: complaints.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        page.wait_for_function("[...document.querySelectorAll('model-viewer')].every(model => model.loaded)")
        shots = {}
        for cut in (0, 100, 50):
            page.evaluate(
                "cut => { const r = document.querySelector('#models input'); r.value = cut;"
                "r.dispatchEvent(new Event('input')); }",
                cut,
            )
            _until_drawn(page, lambda shot, cut=cut: _painted(shot, cut))
            shots[cut] = middle(page.locator("#models").screenshot())
        page.evaluate(
            "() => { const after = document.querySelector('model-viewer');"
            "after.cameraOrbit = '100deg 40deg 4m'; after.jumpCameraToGoal(); }"
        )
        page.wait_for_function(
            "() => { const [a, b] = [...document.querySelectorAll('model-viewer')]"
            ".map(model => model.getCameraOrbit());"
            "return Math.abs(a.theta - 1.745) < 0.01 && Math.abs(b.theta - a.theta) < 1e-3"
            " && Math.abs(b.phi - a.phi) < 1e-3; }"
        )
        browser.close()
    height, width = shots[0].shape[:2]
    assert shots[0][height // 2, width // 2].argmax() == 1  # after is green
    assert shots[100][height // 2, width // 2].argmax() == 0  # before is red
    left, right = shots[50][height // 2, width * 2 // 5], shots[50][height // 2, width * 3 // 5]
    assert (left.argmax(), right.argmax()) == (0, 1)
    assert np.abs(shots[0] - shots[100]).max() > 100
    assert np.ptp(shots[0], axis=(0, 1)).max() > 100  # a ball before a background, no blank
    assert complaints == []
    assert all(url.startswith(("file:", "blob:", "data:")) for url in asked)


def _painted(shot: np.ndarray, cut: int) -> bool:
    middle_pixel = shot[shot.shape[0] // 2, shot.shape[1] * 2 // 5]
    return int(middle_pixel.argmax()) == (1 if cut == 0 else 0) and np.ptp(middle_pixel) > 60


def _until_drawn(page, drawn) -> None:
    """Wait until a frame shows it: the component draws when the browser has time."""
    for _ in range(200):
        if drawn(middle(page.locator("#models").screenshot())):
            return
        page.wait_for_timeout(50)
    raise AssertionError("the model was not drawn")
