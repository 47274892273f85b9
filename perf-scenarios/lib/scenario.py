"""A scenario is a TOML file: what the gate and its peers are set up for, the load, and what must hold."""
import dataclasses
import pathlib
import tomllib

FOLDER = pathlib.Path(__file__).resolve().parent.parent
KINDS = ("saturate", "rate", "idle", "start")
PROXIES = ("fastgate", "nginx", "haproxy", "yarp", "relay")
# What a scenario compares and draws unless it says otherwise.
FIGURES = {"saturate": "cpu_us_per_request", "rate": "cpu_us_per_request",
           "idle": "rss_kib_per_connection", "start": "start_ms"}
UNITS = {"cpu_us_per_request": "CPU us/request", "p50_us": "p50 us", "p99_us": "p99 us", "p999_us": "p99.9 us",
         "rss_mib": "RSS MiB", "rss_kib_per_connection": "RSS KiB/connection", "start_ms": "start ms", "rps": "rps"}


class ScenarioError(Exception):
    """A sentence for whoever wrote the file."""


@dataclasses.dataclass(frozen=True)
class Slow:
    readers: int
    bytes_per_second: int = 1024
    path: str = "/big"


@dataclasses.dataclass(frozen=True)
class Load:
    kind: str
    connections: int = 64
    seconds: float = 3
    method: str = "GET"
    path: str = "/"
    headers: tuple = ()
    cookie_bytes: int = 0
    body: int | None = None
    close: bool = False
    shares: tuple = ()
    bombardier: bool = False
    slow: Slow | None = None

    def all_headers(self):
        cookie, at = "", 0
        while len(cookie) < self.cookie_bytes:
            cookie += f"{'; ' if cookie else ''}c{at:02}={'v' * min(120, self.cookie_bytes)}"
            at += 1
        return [*self.headers, *([f"Cookie: {cookie[:self.cookie_bytes]}"] if cookie else [])]


@dataclasses.dataclass(frozen=True)
class Upstream:
    body: int = 128
    big: int = 1024 * 1024
    unix: bool = False


@dataclasses.dataclass(frozen=True)
class Setup:
    """How one proxy is set up: `of` names the program when the row has a name of its own."""
    of: str = ""
    routes: int = 1
    extra: str = ""
    dead_upstream: bool = False
    servers: int = 1


@dataclasses.dataclass(frozen=True)
class Hold:
    """FastGate's figure, as a ratio to the best of `best_of` or by itself, is at most `must` (and better `aim`)."""
    figure: str
    best_of: tuple = ()
    must: float | None = None
    aim: float | None = None
    at: int | None = None


@dataclasses.dataclass(frozen=True)
class Quick:
    rounds: int = 3
    seconds: float = 1
    shares: tuple = ()


@dataclasses.dataclass(frozen=True)
class Scenario:
    name: str
    about: str
    proxies: tuple
    load: Load
    upstream: Upstream
    setup: dict
    holds: tuple
    figure: str
    routes: int = 1
    quick: Quick | None = None

    @property
    def servers(self):
        """Addresses of the upstream: as many as any row wants."""
        return max(self.setup_of(proxy).servers for proxy in self.proxies)

    def setup_of(self, proxy):
        found = self.setup.get(proxy, Setup(routes=self.routes))
        return dataclasses.replace(found, of=found.of or proxy)


def names():
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def read(name):
    """A scenario by its name here, or by the path of its file."""
    path = pathlib.Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if not path.is_file():
        raise ScenarioError(f"there is no scenario {name}; there are {', '.join(names())}")
    try:
        return parse(path.stem, tomllib.loads(path.read_text()))
    except (tomllib.TOMLDecodeError, TypeError, KeyError) as error:
        raise ScenarioError(f"{path}: {error}") from error


def parse(name, table):
    table = dict(table)
    load = _make(Load, table.pop("load"))
    if load.slow is not None:
        load = dataclasses.replace(load, slow=_make(Slow, load.slow))
    scenario = Scenario(
        name=name, about=table.pop("about"), proxies=tuple(table.pop("proxies")), load=load,
        upstream=_make(Upstream, table.pop("upstream", {})),
        setup={}, holds=tuple(_make(Hold, hold) for hold in table.pop("hold", [])),
        figure=table.pop("figure", FIGURES.get(load.kind)), routes=table.pop("routes", 1),
        quick=_make(Quick, table.pop("quick")) if "quick" in table else None)
    for proxy, setup in table.pop("setup", {}).items():
        scenario.setup[proxy] = _make(Setup, {"routes": scenario.routes, **setup})
    _require(not table, f"unknown keys {', '.join(table)}")
    _require(load.kind in KINDS, f"load.kind is one of {', '.join(KINDS)}")
    _require(scenario.proxies[:1] == ("fastgate",), "the first of proxies is fastgate: all others are compared with it")
    _require(set(scenario.setup) <= set(scenario.proxies), "setup names a proxy that is not in proxies")
    for proxy in scenario.proxies:
        _require(scenario.setup_of(proxy).of in PROXIES, f"{proxy} is none of {', '.join(PROXIES)}, nor `of` one")
        _require(scenario.setup_of(proxy).servers == 1 or scenario.setup_of(proxy).of == "fastgate",
                 "only fastgate is set up for several servers")
    _require(not scenario.upstream.unix or scenario.servers == 1, "a Unix socket is one server")
    for hold in scenario.holds:
        _require(hold.figure in UNITS, f"hold.figure is one of {', '.join(UNITS)}")
        _require(set(hold.best_of) <= set(scenario.proxies), "hold.best_of names a proxy that is not in proxies")
    return scenario


def _make(kind, table):
    """A dataclass from a table, its lists as tuples; an unknown key is a TypeError that names it."""
    return kind(**{key: tuple(value) if isinstance(value, list) else value for key, value in table.items()})


def _require(condition, sentence):
    if not condition:
        raise TypeError(sentence)
