"""Hostile programs are contained, get the verdict that they deserve, and leave the host as it was.

Each level of isolation is tried as the superuser and as an ordinary user, as far as this machine has them;
what it lacks is skipped with the reason.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from osca_verifiers.sandbox.level import fault_of
from tests.conftest import ROOT
from tests.verifiers import hostile

NOBODY = "65534"
SYSTEM_PYTHON = "/usr/bin/python3"


def command(user: str, folder: Path) -> list[str]:
    """Return what runs the hostile programs as a user, from a copy that every user may read."""
    for package in ("osca_cli", "verifiers/osca_verifiers"):
        shutil.copytree(ROOT / package, folder / Path(package).name)
    shutil.copy(hostile.__file__, folder)
    library = importlib.util.find_spec("sandlock")
    if library is not None and library.origin is not None:
        shutil.copytree(Path(library.origin).parent, folder / "sandlock")
    subprocess.run(["chmod", "-R", "a+rX", str(folder)], check=True)
    if user == "as it is":
        return [sys.executable, str(folder / "hostile.py")]
    if os.geteuid() != 0:
        pytest.skip("only root can become an ordinary user; these tests run as one already")
    if shutil.which("setpriv") is None or not Path(SYSTEM_PYTHON).exists():
        pytest.skip("an ordinary user needs setpriv, and a Python that he can read")
    return [
        "setpriv",
        "--reuid",
        NOBODY,
        "--regid",
        NOBODY,
        "--clear-groups",
        SYSTEM_PYTHON,
        str(folder / "hostile.py"),
    ]


@pytest.mark.parametrize("user", ["as it is", "an ordinary user"])
@pytest.mark.parametrize("level", ["bubblewrap", "landlock"])
def test_hostile_programs_are_contained_and_pass_nothing(level, user, tmp_path_factory):
    if fault := fault_of(level):
        pytest.skip(f"{level}: {fault}")
    folder = tmp_path_factory.mktemp("hostile")
    for parent in (folder, *folder.parents):
        if parent.stat().st_mode & 0o005 != 0o005:
            parent.chmod(0o755)  # pytest's own, that an ordinary user must be able to enter
    (folder / "home").mkdir(mode=0o777)
    run = subprocess.run(
        [*command(user, folder), level],
        cwd=folder / "home",
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(folder),
            "HOME": str(folder / "home"),
            "TMPDIR": "/tmp",
        },
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    expected = {name: program.passed for name, program in hostile.PROGRAMS.items()}
    assert {name: one["passed"] for name, one in found.items()} == {**expected, "an honest program": True}
    assert {name: one["harm"] for name, one in found.items() if one["harm"]} == {}
    # A busy machine may reach the time limit first, whatever else would have stopped the program.
    reasons = {
        name: f"{program.reason}|{hostile.LIMIT}"
        for name, program in hostile.PROGRAMS.items()
        if program.reason
    }
    said = {name: found[name]["reason"] for name in reasons}
    assert {name: said[name] for name, reason in reasons.items() if not re.search(reason, said[name])} == {}
