"""Attacks this machine's own sandboxes, and tells what they withstood."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from osca_cli.errors import UsageError
from osca_verifiers.sandbox.box import Gone
from osca_verifiers.sandbox.interpreter import interpreter
from osca_verifiers.sandbox.level import KINDS, fault_of, open_box, strongest
from osca_verifiers.sandbox.limits import Limits
from osca_verifiers.sandbox.processes import SandboxError
from osca_verifiers.sandbox.program import Program

_LIMITS = Limits(memory_mb=128, processes=16)
_ATTACKS = """
import ctypes, json, os, resource, socket, sys

target = json.loads(sys.stdin.read())
got = {}


def attack(deed):
    name = deed.__name__.replace("_", " ")
    got[name] = False
    print(json.dumps(got), flush=True)  # where a deed ends this process, that much is known
    try:
        got[name] = bool(deed())
    except BaseException:
        pass


@attack
def read_etc_passwd():
    return "root:" in open("/etc/passwd").read()

@attack
def read_a_file_of_yours():
    return open(target["secret"]).read()

@attack
def read_it_by_a_symbolic_link():
    os.symlink(target["secret"], "soft")
    return open("soft").read()

@attack
def read_it_by_a_hard_link():
    os.link(target["secret"], "hard")
    return open("hard").read()

@attack
def list_your_home():
    return set(os.listdir(target["home"])) & set(target["names"])

@attack
def write_outside():
    open(target["outside"], "w").write("x")
    return False  # osca looks

@attack
def see_the_environment():
    return "OSCA_PROOF" in os.environ or b"OSCA_PROOF" in open(f"/proc/{target['pid']}/environ", "rb").read()

@attack
def signal_osca():
    os.kill(target["pid"], 0)
    return b"osca" in open(f"/proc/{target['pid']}/cmdline", "rb").read()

@attack
def trace_osca():
    return ctypes.CDLL(None).ptrace(16, target["pid"], 0, 0) == 0

@attack
def connect_to_loopback():
    return socket.create_connection(("127.0.0.1", target["port"]), timeout=1)

@attack
def connect_to_the_network():
    reach = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    reach.connect(("192.0.2.1", 53))
    return reach.send(b"x")

@attack
def connect_to_an_abstract_socket():
    socket.socket(socket.AF_UNIX).connect("\\0" + target["abstract"])
    return True

@attack
def start_more_processes():
    for _ in range(4 * target["processes"]):
        if os.fork() == 0:
            os.read(target_pipe, 1)
            os._exit(0)
    return True

@attack
def become_the_superuser():
    os.setuid(0)
    return os.getuid() == 0

@attack
def use_more_memory():
    kept = bytearray(target["memory"])
    return len(kept)

print(json.dumps(got), flush=True)
os._exit(0)
""".replace("target_pipe", "os.pipe()[0]")


@lru_cache(maxsize=1)
def proof() -> Mapping[str, str]:
    """Return what each kind of sandbox withstands here, and which of them programs get.

    A kind that lets an attack through is named with it, and none is taken for good that could not be tried.
    """
    facts = {f"sandbox {name}": _said(name) for name in KINDS}
    try:
        chosen = strongest()
    except UsageError:
        return {"sandbox": "none: code that a model wrote is refused", **facts}
    good = facts[f"sandbox {chosen}"].endswith("works")
    return {"sandbox": f"{chosen} {'works' if good else 'is not tight'}", **facts}


def _said(name: str) -> str:
    if fault := fault_of(name):
        return fault
    try:
        got = attacked(name)
    except (Gone, SandboxError, ValueError) as error:
        return f"could not be attacked: {error}"
    through = [attack for attack, succeeded in got.items() if succeeded]
    if through:
        return f"does not stop a program that tries to {', or to '.join(through)}"
    return f"{len(got)} attacks were stopped; it works"


def attacked(name: str) -> Mapping[str, bool]:
    """Return which attacks on a kind of sandbox succeed.

    Raises:
        SandboxError: it does not start.
        Gone: the program that attacks did not get to its end.
        ValueError: it said nothing of use.
    """
    with _targets() as targets, open_box(name, "driver", _LIMITS) as opened:
        opened.prepare({"attacks.py": _ATTACKS})
        ran = Program(opened).run({"op": "main", "main": "attacks.py", "stdin": json.dumps(targets)}, 20)
        if not ran.out:
            raise ValueError(ran.err.strip()[-200:] or ran.fault)
        got: dict[str, bool] = json.loads(ran.out.splitlines()[-1])
        if Path(targets["outside"]).exists():
            got["write outside"] = True
        return got


@contextmanager
def _targets() -> Iterator[dict[str, Any]]:
    """Put out what attacks could find, and take it away again."""
    with (
        tempfile.TemporaryDirectory(prefix="osca-proof-", dir=Path.cwd()) as folder,
        socket.socket() as listener,
        socket.socket(socket.AF_UNIX) as abstract,
    ):
        Path(folder).chmod(0o755)
        secret = Path(folder) / "secret"
        secret.write_text("secret")
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        abstract.bind(f"\0osca-proof-{os.getpid()}")
        abstract.listen()
        os.environ["OSCA_PROOF"] = "1"
        try:
            yield {
                "secret": str(secret),
                "outside": str(Path(folder) / "outside"),
                "home": str(Path.home()),
                "names": _names(Path.home()),
                "pid": os.getpid(),
                "port": listener.getsockname()[1],
                "abstract": f"osca-proof-{os.getpid()}",
                "memory": 4 * _LIMITS.memory_mb << 20,
                "processes": _LIMITS.processes,
            }
        finally:
            del os.environ["OSCA_PROOF"]


def _names(home: Path) -> list[str]:
    """Return what is in the home folder, less what leads to the Python that sandboxes need."""
    folders = [Path(folder) for folder in interpreter(None, others=False).folders]
    needed = {folder.relative_to(home).parts[0] for folder in folders if folder.is_relative_to(home)}
    return [path.name for path in home.iterdir() if path.name not in needed]
