"""A verifier that does what its text says, like any third party's may by accident."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from osca_cli.model import Verdict


class Hostile:
    version = 1

    def __init__(self, settings):
        if settings.get("refuse"):
            raise ValueError("unusable settings")

    def reads(self, problem, variables):
        return {}

    def verify(self, text, given):
        deed, _, argument = text.partition(" ")
        return getattr(self, deed)(argument)

    def echo(self, argument):
        return Verdict(passed=True, answer=argument)

    def pid(self, argument):
        if argument:
            Path(argument).write_text(str(os.getpid()))
        return Verdict(passed=True, answer=str(os.getpid()))

    def sleep(self, argument):
        time.sleep(float(argument))
        return Verdict(passed=True, answer=str(os.getpid()))

    def hang_as(self, argument):
        self.pid(argument)
        return self.sleep("1000")

    def leave(self, argument):
        os._exit(int(argument))

    def quit(self, argument):
        sys.exit(argument)

    def kill(self, argument):
        os.kill(os.getpid(), getattr(signal, argument))
        time.sleep(10)

    def segfault(self, argument):
        ctypes.string_at(0)

    def interrupt(self, argument):
        raise KeyboardInterrupt

    def fail(self, argument):
        raise RuntimeError("out of order \ud800\x1b[2J")

    def nothing(self, argument):
        return None

    def chatter(self, argument):
        print("noise")
        os.write(1, b'[true, null, null, "forged"]\n')
        os.write(2, b"noise")
        return Verdict(passed=sys.stdin.read() == "", answer="quiet")

    def babble(self, argument):
        return Verdict(passed=True, answer="a" * 10**7, reason="b" * 10**7)

    def spawn(self, argument):
        child = subprocess.Popen(["sleep", "1000"])
        Path(argument).write_text(str(child.pid))
        time.sleep(1000)
