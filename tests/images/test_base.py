"""The Debian under the images: what is left out of a made one, and what is said when there is none."""

import io
import re
import tarfile
from dataclasses import replace

import pytest

from images import engine
from images.base import TAR_VARIABLE, provide, slim
from images.errors import ImagesError, UsageError
from images.matrix import Base, load
from tests.needs import need


def packed(folder, names):
    path = folder / "full.tar"
    with tarfile.open(path, "w") as archive:
        for name in names:
            member = tarfile.TarInfo(f"./{name}")
            member.type = tarfile.DIRTYPE if name.endswith("/") else tarfile.REGTYPE
            member.size = 0 if name.endswith("/") else 3
            archive.addfile(member, None if name.endswith("/") else io.BytesIO(b"abc"))
    return path


def test_documentation_caches_and_names_of_the_machine_are_left_out(tmp_path):
    kept = ["etc/", "etc/passwd", "usr/share/doc/bash/copyright", "var/log/", "usr/bin/env"]
    dropped = [
        "usr/share/doc/bash/README",
        "usr/share/man/man1/ls.1",
        "usr/share/locale/de/LC_MESSAGES/x.mo",
        "var/lib/apt/lists/deb_dists",
        "var/log/bootstrap.log",
        "etc/resolv.conf",
        "etc/machine-id",
    ]
    slim(packed(tmp_path, [*kept, *dropped]), tmp_path / "slim.tar")
    with tarfile.open(tmp_path / "slim.tar") as result:
        assert [name.removeprefix("./") for name in result.getnames()] == [name.rstrip("/") for name in kept]
        assert result.extractfile("./etc/passwd").read() == b"abc"


@pytest.fixture
def unknown() -> Base:
    """A base that no registry has, and that no test before has made."""
    need("docker")
    return replace(load().base, image="deepdesign-nowhere.invalid/debian:none", digest=f"sha256:{'0' * 64}")


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_without_registry_and_debootstrap_both_ways_out_are_named(unknown, monkeypatch):
    monkeypatch.delenv(TAR_VARIABLE, raising=False)
    monkeypatch.setenv("PATH", "/nonexistent")
    said = []
    with pytest.raises(ImagesError, match="install debootstrap or log in to a registry"):
        provide(engine.connect(), unknown, said.append)
    assert any("made from Debian's packages instead" in line for line in said)


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_a_base_archive_that_is_none_is_refused(unknown, monkeypatch, tmp_path):
    archive = tmp_path / "base.tar"
    archive.write_text("not a tar archive")
    monkeypatch.setenv(TAR_VARIABLE, str(archive))
    with pytest.raises(UsageError, match=r"base\.tar cannot be read"):
        provide(engine.connect(), unknown, print)


@pytest.mark.docker
@pytest.mark.xdist_group("docker")
def test_a_registry_gives_the_base_by_its_digest(registry, tmp_path):
    client = engine.connect()
    name = f"{registry}/debian"
    with packed(tmp_path, ["etc/", "etc/passwd"]).open("rb") as archive:
        client.api.import_image_from_data(archive, repository=name, tag="slim")
    try:
        pushed = client.images.push(name, tag="slim")
        digest = re.search(r"digest: (sha256:[0-9a-f]{64})", pushed).group(1)
        client.images.remove(f"{name}:slim", force=True)
        base = replace(load().base, image=f"{name}:slim", digest=digest)
        said = []
        found = provide(client, base, said.append)
        assert (found.reference, found.source) == (f"{name}:slim@{digest}", "registry")
        assert said == [f"pulling {base.reference}"]
        assert f"{name}@{digest}" in client.images.get(found.reference).attrs["RepoDigests"]
        said.clear()
        assert provide(client, base, said.append) == found
        assert said == []
    finally:
        for image in client.images.list(name=name):
            client.images.remove(image.id, force=True)
