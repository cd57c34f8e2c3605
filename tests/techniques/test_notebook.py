import sys
from pathlib import Path

from PIL import Image

from techniques.notebook import NotebookProgress, progress_here
from techniques.progress import Quiet


def test_a_cell_shows_notes_a_bar_and_the_picture_as_it_comes(tmp_path):
    pages = []
    progress = NotebookProgress(pages.append, tmp_path / "a.preview.jpg")

    progress.say("80 x 60 px on <cpu>")
    progress.advance("80 x 60", 1, 3, {"loss": 0.25})
    assert "80 x 60 px on &lt;cpu&gt;" in pages[-1]
    assert '<progress value="1" max="3"' in pages[-1]
    assert "loss 0.25" in pages[-1]
    assert "<img" not in pages[-1]

    Image.new("RGB", (8, 8)).save(tmp_path / "a.preview.jpg")
    shown = len(pages)
    progress.advance("80 x 60", 2, 3, {})  # too soon after the last one
    assert len(pages) == shown
    progress.advance("80 x 60", 3, 3, {})
    assert "data:image/jpeg;base64," in pages[-1]
    progress.end()
    assert '<progress value="3"' in pages[-1]


def test_only_a_notebook_s_kernel_gets_one(monkeypatch):
    assert isinstance(progress_here(), Quiet)

    class ZMQInteractiveShell:
        pass

    pages = []

    class Handle:
        def update(self, page):
            pages.append(page)

    class Stub:
        get_ipython = staticmethod(ZMQInteractiveShell)
        HTML = staticmethod(lambda page: page)
        display = staticmethod(lambda page, display_id: Handle())

    monkeypatch.setitem(sys.modules, "IPython", Stub)
    monkeypatch.setitem(sys.modules, "IPython.display", Stub)
    progress_here(Path("nowhere.jpg")).say("hello")
    assert pages == ["hello<br>"]
