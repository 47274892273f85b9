"""The tools that send load: how each is called, and what its answer means. All of them check every answer."""
import dataclasses
import json
import math
import os

import tools

# Beyond the time a load was asked to last.
PATIENCE_SECONDS = 30

LUA = """
wrk.method = %(method)s
wrk.path = %(path)s
%(headers)s
%(body)s
%(paths)s
done = function(summary, latency, requests)
  io.write(string.format('\\n{"requests": %%d, "duration_us": %%d, "bytes": %%d, "connect": %%d, "read": %%d, ' ..
    '"write": %%d, "status": %%d, "timeout": %%d, "p50_us": %%f, "p99_us": %%f, "p999_us": %%f}\\n',
    summary.requests, summary.duration, summary.bytes, summary.errors.connect, summary.errors.read,
    summary.errors.write, summary.errors.status, summary.errors.timeout,
    latency:percentile(50), latency:percentile(99), latency:percentile(99.9)))
end
"""
LUA_PATHS = """
local asked, at = {}, 0
init = function()
  for path in io.lines(%s) do asked[#asked + 1] = wrk.format(nil, path) end
end
request = function()
  at = at %% #asked + 1
  return asked[at]
end
"""
BOMBARDIER = """{{with .Result}}{"good": {{.Req2XX}}, "bad": [{{.Req1XX}}, {{.Req3XX}}, {{.Req4XX}}, {{.Req5XX}}, \
{{.Others}}], "bytes": {{.BytesRead}}, "seconds": {{.TimeTaken.Seconds}}, "latency": {"none": 0\
{{with .LatenciesStats (FloatsToArray 0.5 0.99 0.999)}}{{range $share, $us := .Percentiles}}, \
"{{Multiply $share 1000 | printf "%.0f"}}": {{$us}}{{end}}{{end}}}}{{end}}"""


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What a load says of itself: the answers that were right, and what went wrong in words."""
    requests: int
    seconds: float
    p50_us: float | None
    p99_us: float | None
    p999_us: float | None
    errors: int
    trouble: str = ""


class Wrk:
    name = "wrk"

    def command(self, stand, proxy, seconds, _rate):
        load = stand.scenario.load
        headers = [header.partition(":")[::2] for header in load.all_headers()]
        script = stand.directory / "load.lua"
        script.write_text(LUA % {
            "method": _lua(load.method), "path": _lua(stand.paths[0]),
            "headers": "\n".join(f"wrk.headers[{_lua(name)}] = {_lua(value.strip())}" for name, value in
                                 [*headers, *([("Connection", "close")] if load.close else [])]),
            "body": "" if load.body is None else f'wrk.body = string.rep("x", {load.body})',
            "paths": LUA_PATHS % _lua(str(stand.paths_file)) if len(stand.paths) > 1 else "",
        })
        return [tools.find("wrk"), "-t1", f"-c{load.connections}", f"-d{math.ceil(seconds)}s", "--timeout", "5s",
                "-s", script, f"http://127.0.0.1:{proxy.port}"]

    def read(self, output, answer, load):
        figures = _last_json(output)
        good = figures["requests"] - figures["status"]
        errors = {key: figures[key] for key in ("connect", "read", "write", "status", "timeout")}
        errors["length"] = _wrong_lengths(good if figures["status"] == 0 else 0, figures["bytes"], answer, load)
        return Outcome(good, figures["duration_us"] / 1e6, figures["p50_us"], figures["p99_us"], figures["p999_us"],
                       *_sum(errors))


class Bombardier:
    name = "bombardier"

    def command(self, stand, proxy, seconds, _rate):
        load = stand.scenario.load
        template = stand.directory / "bombardier.template"
        template.write_text(BOMBARDIER)
        return [tools.find("bombardier"), "-c", load.connections, "-d", f"{math.ceil(seconds)}s", "-l", "-t", "5s",
                "-o", f"path:{template}", "-p", "r", f"http://127.0.0.1:{proxy.port}{stand.paths[0]}"]

    def read(self, output, answer, load):
        figures = _last_json(output)
        errors = {"status": sum(figures["bad"])}
        errors["length"] = _wrong_lengths(0 if errors["status"] else figures["good"], figures["bytes"], answer, load)
        latency = figures["latency"]
        return Outcome(figures["good"], figures["seconds"], latency.get("500"), latency.get("990"),
                       latency.get("999"), *_sum(errors))


class OpenLoop:
    """The bench's own generator. Without a rate it is a closed loop, where wrk cannot be had."""
    name = "load"

    def warmup(self, load):
        """Slow readers are measured when every buffer on the way to them is full."""
        return 2 if load.slow is not None else 0.5

    def command(self, stand, proxy, seconds, rate):
        load = stand.scenario.load
        command = ["dotnet", tools.BENCH, "load", proxy.port, "--connections", load.connections,
                   "--seconds", seconds, "--warmup", self.warmup(load), "--method", load.method,
                   "--paths", stand.paths_file, "--length", stand.scenario.upstream.body]
        for header in load.all_headers():
            command += ["--header", header]
        if rate is not None:
            command += ["--rate", rate]
        if load.body is not None:
            command += ["--body", load.body]
        if load.close:
            command += ["--close"]
        if load.slow is not None:
            command += ["--slow", load.slow.readers, "--slow-rate", load.slow.bytes_per_second,
                        "--slow-path", load.slow.path]
        return command

    def read(self, output, _answer, load):
        figures = _last_json(output)
        errors = {key: figures[key] for key in ("not_connected", "wrong_status", "wrong_length", "broken",
                                                "unanswered", "slow_broken")}
        # Nothing was answered: there is no latency.
        p50, p99, p999 = (figures[key] if figures["measured"] else None for key in ("p50_us", "p99_us", "p999_us"))
        return Outcome(figures["requests"], figures["seconds"] + self.warmup(load), p50, p99, p999, *_sum(errors))


def _wrong_lengths(requests, received, answer, load):
    """The bytes of a load against those of as many single answers: at the end each connection may have part of one
    more. An error that changes the length of some answers is therefore seen, though not which."""
    if answer is None or requests == 0:
        return 0
    least = requests * answer.total_bytes
    most = least + load.connections * answer.total_bytes
    off = max(least - received, received - most, 0)
    return math.ceil(off / answer.total_bytes)


def _sum(errors):
    return sum(errors.values()), ", ".join(f"{count} {kind}" for kind, count in errors.items() if count)


def _last_json(output):
    for line in reversed(output.splitlines()):
        if line.startswith("{"):
            return json.loads(line)
    raise ValueError(output[-500:] or "it printed nothing")


def _lua(text):
    return json.dumps(text)


def environment():
    import peers
    return {**os.environ, **peers.STEADY}
