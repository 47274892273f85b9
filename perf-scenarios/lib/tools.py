"""Finds the programs of others, installs from Debian what is missing, and builds ours."""
import json
import os
import pathlib
import re
import shutil
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
GATE = ROOT / "out/fastgate"
BENCH = ROOT / "bench/FastGate.Bench/bin/Release/net10.0/FastGate.Bench.dll"
SEARCH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
PACKAGES = ("nginx", "haproxy", "wrk", "slowhttptest")
POLICY = pathlib.Path("/usr/sbin/policy-rc.d")


def say(text):
    print(text, file=sys.stderr, flush=True)


def find(name):
    return shutil.which(name, path=SEARCH)


def find_bombardier(processes):
    """The load tool; Debian has a game of that name."""
    path = find("bombardier")
    if path is None:
        return None
    code, output = processes.run([path, "--version"], timeout=10)
    return path if code == 0 and "bombardier version" in output else None


def provide(processes, wanted, may_install):
    """Installs what is missing of `wanted`. What cannot be had is said, and is not among what comes back."""
    missing = [name for name in wanted if name in PACKAGES and find(name) is None]
    if missing and may_install and os.geteuid() == 0 and shutil.which("apt-get"):
        say(f"installing {', '.join(missing)} with apt-get")
        _install(processes, missing)
    for name in missing:
        if find(name) is None:
            say(f"{name} is not here and cannot be installed: skipped")
    return [name for name in wanted if name not in PACKAGES or find(name)]


def _install(processes, packages):
    # Debian's packages start the service they bring; a policy of 101 forbids it (invoke-rc.d(8)).
    forbid = not POLICY.exists()
    if forbid:
        POLICY.write_text("#!/bin/sh\nexit 101\n")
        POLICY.chmod(0o755)
    try:
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update", "-qq"],
                        ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages]):
            code, output = processes.run(command, timeout=600, env=environment)
            if code != 0:
                say(f"{' '.join(command)} failed:\n{output[-1000:]}")
    finally:
        if forbid:
            POLICY.unlink()


def build(processes):
    """The gate as it is released (Native AOT) and the bench in Release, where their sources are newer."""
    # Neither node reuse nor a compiler server: both would outlive us.
    environment = {**os.environ, "MSBUILDDISABLENODEREUSE": "1", "DOTNET_CLI_USE_MSBUILD_SERVER": "0",
                   "DOTNET_NOLOGO": "1", "DOTNET_CLI_TELEMETRY_OPTOUT": "1"}
    for target, sources, command in (
            (GATE, ["src"], ["publish", "src/FastGate.Cli", "-c", "Release", "-o", "out"]),
            (BENCH, ["src", "bench"], ["build", "bench/FastGate.Bench", "-c", "Release"])):
        if not _is_stale(target, sources):
            continue
        say(f"dotnet {' '.join(command)}")
        code, output = processes.run(["dotnet", *command, "-p:UseSharedCompilation=false"], cwd=ROOT, env=environment)
        if code != 0:
            raise SystemExit(f"dotnet {' '.join(command)} failed:\n{output[-3000:]}")
        # A build that found its output good enough leaves its time, and would be asked again each time.
        os.utime(target)


def _is_stale(target, folders):
    if not target.is_file():
        return True
    built = target.stat().st_mtime
    sources = [ROOT / name for name in ("Directory.Build.props", "Directory.Packages.props", "global.json")]
    for folder in folders:
        for directory, inner, files in os.walk(ROOT / folder):
            inner[:] = [name for name in inner if name not in ("bin", "obj")]
            sources += [pathlib.Path(directory, name) for name in files if name.endswith((".cs", ".csproj", ".props"))]
    return any(source.stat().st_mtime > built for source in sources)


def version(processes, program):
    """What stands beside a proxy's name."""
    if program == "fastgate":
        return processes.run([GATE, "version"], timeout=10)[1].split("\n")[0].split()[1]
    if program == "relay":
        return "same transport"
    if program == "yarp":
        libraries = json.loads(BENCH.with_suffix(".deps.json").read_text())["libraries"]
        return next(name.split("/")[1] for name in libraries if name.startswith("Yarp.ReverseProxy/"))
    _, output = processes.run([find(program), "-v"], timeout=10)
    found = re.search(r"(\d+\.\d+(\.\d+)?)", output)
    return found[1] if found else "?"
