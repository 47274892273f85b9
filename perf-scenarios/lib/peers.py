"""The proxies: their configuration from `peers/`, their command, and starting them beside their upstream."""
import os
import pathlib
import random
import resource
import socket
import subprocess
import time

import probe
import tools

TEMPLATES = pathlib.Path(__file__).resolve().parent.parent / "peers"
START_SECONDS = 30
DOTNET = {"DOTNET_gcServer": "0", "DOTNET_TieredPGO": "1"}
# Load and upstream must not change their speed while somebody is measured: no tiers.
STEADY = {"DOTNET_gcServer": "0", "DOTNET_TieredCompilation": "0"}
_taken = set()


def free_port():
    """A port nobody has. Below the range that outgoing connections take theirs from, so that it stays free."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as candidate:
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _taken:
            _taken.add(port)
            return port


def route_prefix(index):
    return f"/api/v1/tenant-{index % 100:02}/service-{index:05}"


def paths(scenario):
    """What the load asks for in turn: one path, or one below each route."""
    if scenario.routes == 1:
        return [scenario.load.path]
    return [f"{route_prefix(index)}/items/7" for index in range(scenario.routes)]


class Proxy:
    """One row of a scenario: a program, set up, with its port; started and ended as often as wanted."""

    def __init__(self, scenario, name, directory, upstreams):
        self.name = name
        self.setup = scenario.setup_of(name)
        self.program = self.setup.of
        self.port = free_port()
        self.process = None
        self._directory = directory / name
        self._directory.mkdir()
        self._log = self._directory / "output"
        dead = f"127.0.0.1:{free_port()}"
        self._upstreams = [dead] if self.setup.dead_upstream else upstreams[:self.setup.servers]
        self._upstream = self._upstreams[0]
        self._connections = scenario.load.connections + (scenario.load.slow.readers if scenario.load.slow else 0)
        self._first_path = paths(scenario)[0]
        self.command = self._command()

    def start(self, processes, core):
        with open(self._log, "wb") as log:
            self.process = processes.start(self.command, core, stdout=log, stderr=log, cwd=self._directory,
                                           env={**os.environ, **DOTNET})

    def wait(self, poll=0.005):
        """Waits for its first answer, whatever that says.

        Gives the answer, or None when the process ended or did not come up."""
        due = time.monotonic() + START_SECONDS
        while time.monotonic() < due and self.process.poll() is None:
            answer = probe.ask(self.port, self._first_path)
            if answer is not None:
                return answer
            time.sleep(poll)
        return None

    def complaint(self):
        """The last it said."""
        return self._log.read_text(errors="replace").strip().split("\n")[-1][:200]

    def end(self, processes):
        if self.process is not None:
            processes.end(self.process)
            self.process = None

    def _command(self):
        match self.program:
            case "fastgate":
                return [tools.GATE, "run", "-c", self._write("gate.toml", self._gate_routes(), admin=free_port(),
                                                             upstream=self._gate_servers())]
            case "nginx":
                return [tools.find("nginx"), "-c", self._write("nginx.conf", self._nginx_routes(),
                                                               upstream=_with_scheme(self._upstream, "unix:"))]
            case "haproxy":
                return [tools.find("haproxy"), "-db", "-f", self._write("haproxy.cfg", self._haproxy_routes(),
                                                                        upstream=_with_scheme(self._upstream, "unix@"))]
            case program:
                plain = self._upstream.removeprefix("127.0.0.1:")
                return ["dotnet", tools.BENCH, program, self.port, _with_scheme(plain, "unix:")]

    def _write(self, template, routes, upstream, admin=0):
        values = {
            "port": self.port, "admin": admin, "upstream": upstream, "routes": routes, "extra": self.setup.extra,
            "dir": self._directory, "keepalive": max(512, self._connections),
            "maxconn": max(2_000, self._connections + 500), "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
            # Its workers become nobody otherwise, who may not connect to our Unix socket.
            "user": "user root;" if os.geteuid() == 0 else "",
        }
        text = (TEMPLATES / template).read_text()
        for key, value in values.items():
            text = text.replace(f"@{key}@", str(value))
        path = self._directory / template
        path.write_text(text)
        return path

    def _gate_servers(self):
        return ", ".join(f'"{_with_scheme(address, "unix:")}"' for address in self._upstreams)

    def _gate_routes(self):
        if self.setup.routes == 1:
            return '[[route]]\nname = "all"\nmatch = "/*"\nupstream = "u"'
        return "\n".join(f'[[route]]\nname = "r{index}"\nmatch = "{route_prefix(index)}/*"\nupstream = "u"'
                         for index in range(self.setup.routes))

    def _nginx_routes(self):
        if self.setup.routes == 1:
            return "    location / { proxy_pass http://u; }"
        return "\n".join(f"    location {route_prefix(index)}/ {{ proxy_pass http://u; }}"
                         for index in range(self.setup.routes))

    def _haproxy_routes(self):
        if self.setup.routes == 1:
            return "  default_backend b"
        routes = self._directory / "routes.map"
        routes.write_text("".join(f"{route_prefix(index)}/ b\n" for index in range(self.setup.routes)))
        return f"  use_backend %[path,map_beg({routes})]"


class CannedUpstream:
    def __init__(self, scenario, directory):
        self._unix = directory / "upstream.sock" if scenario.upstream.unix else None
        self._ports = [free_port() for _ in range(scenario.servers)]
        self._bodies = [scenario.upstream.body, scenario.upstream.big]
        self.addresses = [str(self._unix)] if self._unix else [f"127.0.0.1:{port}" for port in self._ports]

    def start(self, processes, core):
        where = f"unix:{self._unix}" if self._unix else ",".join(map(str, self._ports))
        command = ["dotnet", tools.BENCH, "canned", where, *self._bodies]
        self._process = processes.start(command, core, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        env={**os.environ, **STEADY})
        due = time.monotonic() + START_SECONDS
        while time.monotonic() < due and self._process.poll() is None:
            if probe.ask(self._unix or self._ports[-1], "/") is not None:
                return
            time.sleep(0.01)
        raise SystemExit("the canned upstream did not start")

    def end(self, processes):
        processes.end(self._process)


def _with_scheme(address, scheme):
    """The address of a Unix socket is a path, which everybody writes another way."""
    return scheme + address if address.startswith("/") else address
