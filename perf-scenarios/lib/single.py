"""One gate on a core of its own, before other work of the machine: for scripts that send what no load tool sends."""
import os
import re
import subprocess
import sys

import processes as starting
import procfs
import tools

FIRST = -15  # Niceness of what is measured: a machine's other work must not be taken for it.
GATE_CORE, LOAD_CORE = 0, 1


def run(measure, builds):
    """Calls `measure` with a stand and exits with what it returns; ends everything it started, whatever happens."""
    def stand(processes, directory):
        if builds:
            tools.build(processes)
        os.sched_setaffinity(0, {LOAD_CORE})
        starting.prefer(FIRST)
        return measure(Single(processes, directory))

    sys.exit(starting.run(stand))


class Single:
    def __init__(self, processes, directory):
        self.processes = processes
        self._directory = directory

    def gate(self, toml):
        """A gate and the port of its first listener."""
        path = self._directory / "gate.toml"
        path.write_text(toml)
        process = self.processes.start([tools.GATE, "run", "-c", path], GATE_CORE, FIRST, stderr=subprocess.PIPE,
                                       stdout=subprocess.DEVNULL, text=True)
        return process, _port(process.stderr, r"listening on http://127\.0\.0\.1:(\d+)")

    def canned(self, body_bytes):
        """An upstream that answers everything with so many bytes, and its port."""
        process = self.processes.start(["dotnet", tools.BENCH, "canned", 0, body_bytes], LOAD_CORE, FIRST,
                                       stdout=subprocess.PIPE, text=True)
        return process, _port(process.stdout, r"canned upstream on 127\.0\.0\.1:(\d+)")


def cpu_us(process):
    return procfs.cpu_us([process.pid])


def descriptors(process):
    return len(os.listdir(f"/proc/{process.pid}/fd"))


def resident_mib(process):
    return procfs.rss_bytes([process.pid]) / 2**20


def _port(lines, pattern):
    said = ""
    for line in lines:
        said += line
        if found := re.search(pattern, line):
            return int(found[1])
    raise SystemExit(f"it did not start:\n{said}")
