"""A check as JUnit XML, which CI servers show as tests."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

from osca_cli.check.cases import Case

_NOT_IN_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_xml(cases: Sequence[Case], *, name: str, now: datetime) -> str:
    """Return the XML: a suite for each task, a test case for each thing that was judged.

    What is inconclusive is skipped, unless the spec says that it fails. The elements and attributes are those
    that both the schema of Ant's reports and that of Jenkins' xUnit plugin know.

    Args:
        cases: What was judged.
        name: Of the check: the file.
        now: When.
    """
    root = ET.Element("testsuites")
    for number, suite in enumerate(dict.fromkeys(case.suite for case in cases)):
        mine = [case for case in cases if case.suite == suite]
        element = ET.SubElement(
            root,
            "testsuite",
            {
                "name": _text(suite),
                "package": _text(name),
                "id": str(number),
                "timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S"),
                "hostname": "localhost",
                "tests": str(len(mine)),
                "failures": str(sum(case.failed for case in mine)),
                "errors": "0",
                "skipped": str(sum(_skipped(case) for case in mine)),
                "time": "0",
            },
        )
        ET.SubElement(element, "properties")
        for case in mine:
            _add(element, case, name)
        ET.SubElement(element, "system-out")
        ET.SubElement(element, "system-err")
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False).join(
        ('<?xml version="1.0" encoding="UTF-8"?>\n', "\n")
    )


def _add(suite: ET.Element, case: Case, name: str) -> None:
    attributes = {"name": _text(case.name), "classname": _text(f"{name}.{case.suite}"), "time": "0"}
    element = ET.SubElement(suite, "testcase", attributes)
    said = {"message": _text(case.message)}
    if case.failed:
        ET.SubElement(element, "failure", said | {"type": case.outcome}).text = _text(case.message)
    elif _skipped(case):
        ET.SubElement(element, "skipped", said)


def _skipped(case: Case) -> bool:
    return case.outcome == "inconclusive" and not case.failed


def _text(text: str) -> str:
    """Return text without the characters that XML cannot hold, not even escaped."""
    return _NOT_IN_XML.sub("\ufffd", text)
