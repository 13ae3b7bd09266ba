"""What a sandboxed program may use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits of one sandbox.

    Attributes:
        memory_mb: Of each process, and of all of them together.
        processes: Processes and threads at a time.
        files_mb: Of all that it writes to its folder and to /tmp, each.
        files: How many files and folders it may make in either.
        output_mb: What is kept of what one run writes; more is a fail.
    """

    memory_mb: int = 512
    processes: int = 32
    files_mb: int = 64
    files: int = 10_000
    output_mb: int = 8

    def inside(self, *, shared: bool) -> dict[str, Any]:
        """Return what the driver sets on itself and on all that it starts.

        Memory is limited by what a process may write to (RLIMIT_DATA): Node.js and Java reserve many times
        the address space that they use. Processes are not limited here where the kernel would count the
        user's other ones too.
        """
        each = {
            "RLIMIT_DATA": self.memory_mb * MEGABYTE,
            "RLIMIT_FSIZE": self.files_mb * MEGABYTE,
            "RLIMIT_NOFILE": 128,
            "RLIMIT_CORE": 0,
            "RLIMIT_MEMLOCK": 0,
            "RLIMIT_MSGQUEUE": 0,
        }
        if not shared:
            each["RLIMIT_NPROC"] = self.processes
        return {"output": self.output_mb * MEGABYTE, "each": each}
