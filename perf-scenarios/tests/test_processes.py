"""What was started ends with who started it, whatever happened to him."""
import pathlib
import subprocess
import sys
import time
import unittest

import processes
import procfs

LIB = pathlib.Path(__file__).resolve().parent.parent / "lib"
START = """
import subprocess, sys, time
sys.path.insert(0, sys.argv[1])
import processes
started = processes.Processes().start(processes.again(["sleep", "60"]), stdout=subprocess.DEVNULL,
                                      stderr=subprocess.DEVNULL)
print(started.pid, flush=True)
time.sleep(60)
"""


class Again(unittest.TestCase):
    def test_it_begins_anew(self):
        started = processes.Processes()
        self.addCleanup(started.end_all)
        process = started.start(processes.again(["echo", "once"]), stdout=subprocess.PIPE, text=True)
        self.assertEqual(["once\n", "once\n"], [process.stdout.readline(), process.stdout.readline()])

    def test_a_kill_of_who_started_it_ends_all(self):
        parent = subprocess.Popen([sys.executable, "-c", START, LIB], stdout=subprocess.PIPE, text=True)
        group = int(parent.stdout.readline())
        self.addCleanup(parent.stdout.close)
        self._wait(lambda: any(arguments(pid) == ["sleep", "60"] for pid in procfs.members(group)))
        parent.kill()
        parent.wait()
        self._wait(lambda: not procfs.members(group))

    def _wait(self, condition):
        due = time.monotonic() + 30
        while not condition():
            self.assertLess(time.monotonic(), due)
            time.sleep(0.01)


def arguments(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/cmdline").read_text().split("\0")[:-1]
    except OSError:
        return []
