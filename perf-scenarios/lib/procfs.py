"""What the kernel tells of processes and cores: /proc, in microseconds and bytes."""
import os
import pathlib
import time

TICK_US = 1_000_000 // os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
PROC = pathlib.Path("/proc")
_CPU_CLOCK_OF_PROCESS = 2


def _stat(pid):
    """Fields of /proc/PID/stat from the state on; None when it is gone."""
    try:
        return (PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None


def members(group):
    """Processes of a process group that are not zombies."""
    found = []
    for entry in os.listdir(PROC):
        if entry.isdigit():
            fields = _stat(entry)
            if fields is not None and int(fields[2]) == group and fields[0] != "Z":
                found.append(int(entry))
    return found


def cpu_us(pids):
    """User and system time of live processes together, their ended threads included."""
    total = 0
    for pid in pids:
        try:
            # The kernel's own sum in nanoseconds (clock_getcpuclockid(3)); /proc/PID/stat cuts it to 10 ms.
            total += time.clock_gettime_ns((~pid << 3) | _CPU_CLOCK_OF_PROCESS)
        except OSError:
            pass
    return total / 1_000


def rss_bytes(pids):
    total = 0
    for pid in pids:
        try:
            total += int((PROC / str(pid) / "statm").read_text().split()[1]) * PAGE
        except (FileNotFoundError, ProcessLookupError):
            pass
    return total


def core_busy_us(core):
    """Time a core was not idle: user, nice, system and both kinds of interrupts, whoever they were for."""
    for line in (PROC / "stat").read_text().splitlines():
        name, *fields = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _iowait, irq, softirq = map(int, fields[:7])
            return (user + nice + system + irq + softirq) * TICK_US
    raise RuntimeError(f"/proc/stat has no core {core}")


def load_average():
    return os.getloadavg()[0]
