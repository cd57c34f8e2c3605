"""What the doctor found, for people and for programs."""

from typing import Any

from bootstrap.doctor.examine import Diagnosis
from bootstrap.doctor.finding import NOTE, PROBLEM, WARNING, Finding

_WORDS = {PROBLEM: "WILL NOT WORK", WARNING: "take care", NOTE: "good to know"}
_INDENT = " " * 4


def lines(diagnosis: Diagnosis) -> list[str]:
    """A paragraph for each finding, the worst first; its command on a line of its own, to be copied."""
    where = f" and the storage {diagnosis.storage}" if diagnosis.storage else ", without a storage"
    text = [f"Looked at the home {diagnosis.home}{where} (profile {diagnosis.profile})."]
    for severity, word in _WORDS.items():
        for finding in diagnosis.findings:
            if finding.severity == severity:
                text += ["", f"{word}: {finding.topic}: {finding.what}"]
                text += [_INDENT + finding.command] if finding.command else []
    return [*text, "", _summary(diagnosis)]


def _summary(diagnosis: Diagnosis) -> str:
    count = sum(finding.severity == PROBLEM for finding in diagnosis.findings)
    if not count and any(finding.severity == WARNING for finding in diagnosis.findings):
        return "Everything works."
    if not count:
        return "Nothing is wrong."
    things = "One thing" if count == 1 else f"{count} things"
    return f"{things} will not work. The indented lines mend it: copy one, then run doctor again."


def as_json(diagnosis: Diagnosis) -> dict[str, Any]:
    """The same as an object."""
    return {
        "command": "doctor",
        "status": diagnosis.status,
        "home": diagnosis.home,
        "storage": diagnosis.storage,
        "profile": diagnosis.profile,
        "findings": [_finding(finding) for finding in diagnosis.findings],
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {**finding._asdict(), "command": finding.command or None}
