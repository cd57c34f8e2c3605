"""The software bill of materials of an image, as SPDX 2.3 JSON (https://spdx.github.io/spdx-spec/v2.3/).

Run while an image is built: ``python -m images.sbom NAME DPKG-STATUS SITE...`` writes it to standard output.
"""

import hashlib
import json
import os
import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from images.packages import Package, debian_packages, python_packages

# Where it lies in an image.
PATH = "/opt/deepdesign/share/sbom.spdx.json"


def document(name: str, packages: Sequence[Package], created: datetime) -> dict[str, Any]:
    """The SPDX document of an image called ``name`` that holds ``packages``.

    A licence is declared where a package states an SPDX expression itself; other words go into a comment.
    """
    entries = [_entry(package) for package in packages]
    image = {
        "SPDXID": "SPDXRef-Image",
        "name": name,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "primaryPackagePurpose": "CONTAINER",
    }
    content = json.dumps(entries, sort_keys=True)
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": name,
        # Unique for what is in it, and the same for the same.
        "documentNamespace": f"https://spdx.org/spdxdocs/{name}-{hashlib.sha256(content.encode()).hexdigest()}",
        "creationInfo": {
            "created": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "creators": ["Tool: deepdesign-images"],
        },
        "packages": [image, *entries],
        # Names outside SPDX's list must be declared; the texts lie in the packages themselves.
        "hasExtractedLicensingInfos": [
            {
                "licenseId": reference,
                "extractedText": "See the licence files in the packages that name it.",
            }
            for reference in sorted(_references(packages))
        ],
        "relationships": [
            _relation("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image"),
            *(_relation("SPDXRef-Image", "CONTAINS", entry["SPDXID"]) for entry in entries),
        ],
    }


def _references(packages: Sequence[Package]) -> set[str]:
    return {
        name
        for package in packages
        for name in re.findall(r"LicenseRef-[A-Za-z0-9.-]+", package.expression or "")
    }


def _entry(package: Package) -> dict[str, Any]:
    where = f"pkg:{package.kind}/" + ("debian/" if package.kind == "deb" else "")
    name = re.sub(r"[-_.]+", "-", package.name).lower() if package.kind == "pypi" else package.name
    qualifiers = f"?arch={package.architecture}" if package.architecture else ""
    entry = {
        "SPDXID": "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", f"{package.kind}-{package.name}"),
        "name": package.name,
        "versionInfo": package.version,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseDeclared": package.expression or "NOASSERTION",
        "externalRefs": [
            {
                "referenceCategory": "PACKAGE-MANAGER",
                "referenceType": "purl",
                "referenceLocator": f"{where}{quote(name)}@{quote(package.version)}{qualifiers}",
            }
        ],
    }
    if package.licence and not package.expression:
        entry["licenseComments"] = package.licence
    return entry


def _relation(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def main(name: str, status: str, *site: str) -> None:
    """Write the document; dated by SOURCE_DATE_EPOCH where the build sets it."""
    epoch = os.environ.get("SOURCE_DATE_EPOCH")
    created = datetime.fromtimestamp(int(epoch), UTC) if epoch else datetime.now(UTC)
    lines = Path(status).read_text(encoding="utf-8").splitlines()
    packages = [*debian_packages(lines), *python_packages(site)]
    json.dump(document(name, packages, created), sys.stdout, indent=1)


if __name__ == "__main__":
    main(*sys.argv[1:])
