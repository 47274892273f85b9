"""Starts processes, each as a group of its own on one core, and ends all of them, whatever happens."""
import ctypes
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time

import procfs

PATIENCE_SECONDS = 3
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
_AUTOGROUP = pathlib.Path("/proc/self/autogroup")


def prefer(nice):
    """Gives this process a niceness, where that is allowed. The kernel may weigh sessions against each other first.
    Never in realtime: what then waits in the kernel for a process that never runs takes the core for good."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        _AUTOGROUP.write_text(str(nice))
    except OSError:
        pass  # Not allowed, or a kernel that does not group.


def again(command):
    """A command that starts `command` anew whenever it has ended, behind everybody else of its core. What it starts
    gets SIGKILL should it die, as it does when we are killed: nobody else would end that."""
    return ["chrt", "--idle", "0", "sh", "-c", 'while sleep 0.05; do setpriv --pdeathsig KILL "$@"; done', "again",
            *command]


class Interrupted(BaseException):
    """A signal asked us to stop; no `except Exception` may swallow it."""

    def __init__(self, number):
        super().__init__(signal.Signals(number).name)
        self.number = number


def run(body):
    """Calls `body` with a Processes and a directory of its own, and gives the exit code: what it returns, or that of the
    signal that ended it. Whatever happens, everything that was started is ended first."""
    processes = Processes()
    processes.catch_signals()
    try:
        with tempfile.TemporaryDirectory(prefix="perf-scenarios-") as directory:
            try:
                return body(processes, pathlib.Path(directory))
            finally:
                processes.end_all()
    except Interrupted as interrupt:
        print(f"{interrupt}: everything is ended", file=sys.stderr, flush=True)
        return 128 + interrupt.number


class Processes:
    def __init__(self):
        self._running = []
        self._starting = False
        self._ending = False
        self._pending = None

    def catch_signals(self):
        """From here on the signals end the run in order. Also where a parent had SIGINT ignored, as shells do."""
        for number in SIGNALS:
            signal.signal(number, self._on_signal)

    def _on_signal(self, number, _frame):
        if self._ending:
            return
        if self._starting:
            # Between the fork and the note of it nobody would end the child.
            self._pending = number
            return
        raise Interrupted(number)

    def start(self, command, core=None, nice=None, **options):
        """Starts a command as the leader of a new process group, on one core. It gets SIGTERM should we be killed."""

        def prepare():
            _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if core is not None:
                os.sched_setaffinity(0, {core})
            if nice is not None:
                prefer(nice)
            for number in SIGNALS:
                signal.signal(number, signal.SIG_DFL)

        self._starting = True
        try:
            process = subprocess.Popen([str(part) for part in command], start_new_session=True, preexec_fn=prepare,
                                       **{"stdin": subprocess.DEVNULL, **options})
            self._running.append(process)
        finally:
            self._starting = False
        if self._pending is not None:
            raise Interrupted(self._pending)
        return process

    def run(self, command, timeout=None, core=None, **options):
        """Runs a command to its end. Gives its exit code and what it printed."""
        process = self.start(command, core, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
        try:
            output, _ = process.communicate(timeout=timeout)
            return process.returncode, output
        finally:
            self.end(process)

    def end(self, *processes):
        """Ends process groups: asks, waits, and kills what is left of them."""
        for process in processes:
            if process.poll() is None:
                _signal_group(process.pid, signal.SIGTERM)
        due = time.monotonic() + PATIENCE_SECONDS
        for process in processes:
            try:
                process.wait(max(0, due - time.monotonic()))
            except subprocess.TimeoutExpired:
                _signal_group(process.pid, signal.SIGKILL)
                process.wait()
            # A leader may be gone before those it started.
            while left := procfs.members(process.pid):
                for pid in left:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                time.sleep(0.01)
            for stream in (process.stdin, process.stdout, process.stderr):
                if stream is not None:
                    stream.close()
            if process in self._running:
                self._running.remove(process)

    def end_all(self):
        """The last started first: who sends load goes before who serves it. No signal interrupts this."""
        self._ending = True
        self.end(*reversed(self._running))


def _signal_group(group, number):
    try:
        os.killpg(group, number)
    except ProcessLookupError:
        pass
