"""What the scenarios share: builds what they measure, starts it, watches it, and ends it whatever happens."""
import ctypes, os, pathlib, re, shutil, signal, subprocess, sys, tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
GATE = ROOT / "out/fastgate"
BENCH = ROOT / "bench/FastGate.Bench/bin/Release/net10.0/FastGate.Bench.dll"
FIRST = -15  # Niceness of what is measured: a machine's other work must not be taken for it.
_AUTOGROUP = pathlib.Path("/proc/self/autogroup")
_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG: what outlives us even when we are killed would disturb everybody else.


def build():
    """The native binary and the peers."""
    for command in (["dotnet", "publish", ROOT / "src/FastGate.Cli", "-c", "Release", "-o", ROOT / "out"],
                    ["dotnet", "build", "-c", "Release", ROOT / "bench/FastGate.Bench"]):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


def settle(cores, nice):
    """This process on these cores, and in a hurry where that is allowed: the kernel weighs sessions against each other
    first. Never in realtime: what then waits in the kernel for a process that never runs takes the core for good."""
    os.sched_setaffinity(0, cores)
    try:
        os.setpriority(os.PRIO_PROCESS, 0, nice)
        _AUTOGROUP.write_text(str(nice))
    except OSError:
        pass  # Not allowed, or a kernel that does not group.


def need(program, package):
    """The path of a program, which is installed from Debian where it is missing."""
    if not shutil.which(program):
        print(f"{program} is not here: installing Debian's {package}", file=sys.stderr)
        subprocess.run(["apt-get", "install", "-y", "-qq", package], check=True, stdout=subprocess.DEVNULL)
    return shutil.which(program)


class Processes:
    """Everything that a scenario started, in a directory of its own; leaving the block ends it."""

    def __init__(self):
        self.started = []
        self._before = os.sched_getaffinity(0), os.getpriority(os.PRIO_PROCESS, 0)
        self._directory = tempfile.TemporaryDirectory()
        self.directory = pathlib.Path(self._directory.name)

    def __enter__(self):
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        return self

    def __exit__(self, *_):
        for process in self.started:
            process.kill()
        for process in self.started:
            process.wait()
        settle(*self._before)
        self._directory.cleanup()

    def start(self, command, core, nice=None, **pipes):
        """Runs on one core, before what else the machine does unless told otherwise."""
        def prepare():
            ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL)
            settle([core], FIRST if nice is None else nice)
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **pipes}
        process = subprocess.Popen(list(map(str, command)), preexec_fn=prepare, text=True, start_new_session=True,
                                   env={**os.environ, "DOTNET_gcServer": "0"}, **pipes)
        self.started.append(process)
        return process

    def gate(self, toml, core=0):
        """A gate and the port of its first listener."""
        path = self.directory / "gate.toml"
        path.write_text(toml)
        process = self.start([GATE, "run", "-c", path], core, stderr=subprocess.PIPE)
        return process, _port(process.stderr, r"listening on http://127\.0\.0\.1:(\d+)")

    def canned(self, body_bytes, core=1):
        """The port of an upstream that answers everything with so many bytes."""
        process = self.start(["dotnet", BENCH, "canned", 0, body_bytes], core, stdout=subprocess.PIPE)
        return _port(process.stdout, r"canned upstream on 127\.0\.0\.1:(\d+)")

    def end(self, process):
        process.kill()
        process.wait()
        self.started.remove(process)


def _port(lines, pattern):
    said = ""
    for line in lines:
        said += line
        if found := re.search(pattern, line):
            return int(found[1])
    raise SystemExit(f"it did not start:\n{said}")


def cpu_us(pid):
    """Microseconds of a core that a process has used."""
    return sum(int((task / "schedstat").read_text().split()[0])
               for task in pathlib.Path(f"/proc/{pid}/task").iterdir()) / 1_000


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident_mib(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024
