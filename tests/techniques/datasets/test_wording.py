"""One is not several, wherever pictures are counted."""

from techniques.aerial.cost import Cost
from techniques.datasets.credits import page, text
from techniques.datasets.wording import counted

ROW = dict.fromkeys(("class", "file", "license", "license_version", "attribution", "page_url"), "")


def test_one_is_not_several() -> None:
    assert counted(1, "picture") == "1 picture"
    assert counted(0, "picture") == "0 pictures"
    assert counted(1200, "picture") == "1,200 pictures"
    assert counted(2, "class", "classes") == "2 classes"
    assert str(Cost(1, 1, 1, 0, 0.0)).startswith("1 picture from 1 tile (")
    assert "\n1 picture.\n" in text([ROW])
    assert "<p>1 picture. " in page([ROW])
