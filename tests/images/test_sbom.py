"""The bill of materials, judged by the SPDX project's own validator."""

import json
from datetime import UTC, datetime

from spdx_tools.spdx.parser.parse_anything import parse_file
from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

from images.packages import Package, debian_packages, python_packages
from images.sbom import document

WHEN = datetime(2026, 11, 21, 6, 0, tzinfo=UTC)

STATUS = """\
Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12
Description: GNU C Library
 Version: not this one

Package: nano
Status: deinstall ok config-files
Architecture: amd64
Version: 8.4-1

Package: tini
Status: install ok installed
Architecture: amd64
Version: 0.19.0+ds-1
"""


def test_the_validator_finds_nothing_wrong(tmp_path):
    packages = [*debian_packages(STATUS.splitlines()), *python_packages()]
    path = tmp_path / "sbom.spdx.json"
    path.write_text(json.dumps(document("deepdesign-cu130-notebook", packages, WHEN)))
    parsed = parse_file(str(path))
    assert [str(message.validation_message) for message in validate_full_spdx_document(parsed)] == []
    assert len(parsed.packages) == len(packages) + 1


def test_dpkg_knows_what_is_installed():
    assert [(package.name, package.version) for package in debian_packages(STATUS.splitlines())] == [
        ("libc6", "2.41-12"),
        ("tini", "0.19.0+ds-1"),
    ]


def test_a_package_url_names_the_package_as_its_index_does():
    made = document("i", [Package("pypi", "Ruamel.yaml", "1.0+cu130", "MIT", "MIT")], WHEN)
    assert made["packages"][1]["externalRefs"][0]["referenceLocator"] == "pkg:pypi/ruamel-yaml@1.0%2Bcu130"


def test_only_an_spdx_expression_is_a_declared_licence():
    made = document("i", [Package("pypi", "old", "1", None, "BSD License")], WHEN)
    assert made["packages"][1]["licenseDeclared"] == "NOASSERTION"
    assert made["packages"][1]["licenseComments"] == "BSD License"


def test_equal_contents_have_equal_names():
    packages = [Package("deb", "tini", "0.19", None, "", "amd64")]
    assert document("i", packages, WHEN) == document("i", packages, WHEN)
    assert document("i", packages, WHEN) != document("i", [], WHEN)
