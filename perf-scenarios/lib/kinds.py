"""The kinds of scenario: which loads come in which order. Each gives samples by row and proxy, a sample per round."""
import collections
import json
import subprocess
import time

import figures
import loads
import procfs
import tools

# The two that are compiled while they run are warm later.
WARMUPS = {"yarp": 2, "relay": 2}
SETTLE_SECONDS = 1
OPEN_SECONDS = 60


class Results(collections.defaultdict):
    """Samples by row, then by proxy."""

    def __init__(self):
        super().__init__(lambda: collections.defaultdict(list))


def measure(stand, rounds, seconds, shares):
    match stand.scenario.load.kind:
        case "saturate":
            return _saturate(stand, rounds, seconds)
        case "rate":
            return _rate(stand, rounds, seconds, shares)
        case "idle":
            return _idle(stand, rounds)
        case "start":
            return _start(stand, rounds)


def _closed_loop():
    return loads.Wrk() if tools.find("wrk") else loads.OpenLoop()


def _in_turns(stand, rounds, results, label, one, proxies):
    """A B C A B C ...: what drifts meanwhile meets all of them."""
    for index in range(rounds):
        for proxy in proxies:
            sample = one(proxy)
            results[label][proxy.name].append(sample)
            tools.say(f"  {label} round {index + 1} {proxy.name}: {sample.summary(stand.scenario.figure)}")


def _start_all(stand, results, labels):
    """Gives those that run; the others have their failure in every row."""
    for proxy in stand.proxies:
        failure = stand.start(proxy)
        if failure is not None:
            tools.say(f"  {proxy.name}: {failure.trouble}")
            for label in labels:
                results[label][proxy.name].append(failure)
    return [proxy for proxy in stand.proxies if proxy.process is not None]


def _warm_up(stand, tool, seconds, running):
    stand.listen()
    tools.say("  warming up")
    for proxy in running:
        stand.load(proxy, tool, seconds * WARMUPS.get(proxy.program, 1))


def _saturate(stand, rounds, seconds):
    name = stand.scenario.name
    tools_used = {name: _closed_loop()}
    if stand.scenario.load.bombardier and tools.find_bombardier(stand.processes):
        tools_used[f"{name}-bombardier"] = loads.Bombardier()
    results = Results()
    running = _start_all(stand, results, tools_used)
    _warm_up(stand, tools_used[name], seconds, running)
    for label, tool in tools_used.items():
        _in_turns(stand, rounds, results, label, lambda proxy: stand.load(proxy, tool, seconds), running)
    return results


def _rate(stand, rounds, seconds, shares):
    name = stand.scenario.name
    labels = {share: f"{name}-{share}" if len(shares) > 1 else name for share in shares}
    results = Results()
    running = _start_all(stand, results, labels.values())
    tool = _closed_loop()
    _warm_up(stand, tool, seconds, running)
    most = {proxy.name: stand.load(proxy, tool, seconds) for proxy in running}
    right = {proxy: sample.rps for proxy, sample in most.items() if sample.rps and not sample.errors}
    if not right:
        for label in labels.values():
            for proxy, sample in most.items():
                results[label][proxy].append(sample)
        return results
    slowest = min(right, key=right.get)
    tools.say(f"  the slowest at its most is {slowest}: {right[slowest]:.0f} requests a second")
    for share, label in labels.items():
        rate = round(right[slowest] * share / 100)
        _in_turns(stand, rounds, results, label,
                  lambda proxy: stand.load(proxy, loads.OpenLoop(), seconds, rate), running)
    return results


def _idle(stand, rounds):
    name = stand.scenario.name
    results = Results()

    def one(proxy):
        # A process of its own each time: memory that was used once is seldom given back.
        failure = stand.start(proxy)
        if failure is not None:
            results[f"{name}-empty"][proxy.name].append(failure)
            return failure
        try:
            time.sleep(SETTLE_SECONDS)
            empty = procfs.rss_bytes(procfs.members(proxy.process.pid))
            results[f"{name}-empty"][proxy.name].append(figures.Sample(rss_mib=empty / 2**20))
            return _hold(stand, proxy, empty)
        finally:
            proxy.end(stand.processes)

    _in_turns(stand, rounds, results, name, one, stand.proxies)
    return results


def _hold(stand, proxy, empty):
    count = stand.scenario.load.connections
    command = ["dotnet", tools.BENCH, "hold", proxy.port, "--connections", count,
               "--length", stand.scenario.upstream.body]
    process = stand.processes.start(command, stand.cores.load, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    text=True, env=loads.environment())
    try:
        held = json.loads(process.stdout.readline() or '{"held": 0}')["held"]
        time.sleep(SETTLE_SECONDS)
        rss = procfs.rss_bytes(procfs.members(proxy.process.pid))
        output, _ = process.communicate(timeout=OPEN_SECONDS)
        kept = json.loads(output or '{"kept": 0}')["kept"]
    finally:
        stand.processes.end(process)
    errors = 2 * count - held - kept if held < count else count - kept
    return figures.Sample(rss_mib=rss / 2**20, errors=errors, load=procfs.load_average(),
                          trouble=f"{held} opened, {kept} kept" if errors else "",
                          rss_kib_per_connection=(rss - empty) / 1024 / count)


def _start(stand, rounds):
    name = stand.scenario.name
    results = Results()

    def one(proxy):
        begun = time.perf_counter()
        proxy.start(stand.processes, stand.cores.proxy)
        try:
            answer = proxy.wait(poll=0.0002)
            took = time.perf_counter() - begun
            if answer is None or answer.status != 200:
                return figures.Sample(errors=1, trouble=f"answered {answer}: {proxy.complaint()}")
            rss = procfs.rss_bytes(procfs.members(proxy.process.pid))
            return figures.Sample(start_ms=took * 1e3, p50_us=took * 1e6, rss_mib=rss / 2**20,
                                  load=procfs.load_average())
        finally:
            proxy.end(stand.processes)

    _in_turns(stand, rounds, results, name, one, stand.proxies)
    return results
