"""A whole run: what is needed is there, scenarios one after the other, and what is shown and written of them."""
import json
import os
import pathlib
import shutil

import figures
import kinds
import plot
import procfs
import stand
import table
import tools

ROUNDS = 7


def run(chosen, peers, options, processes, directory):
    """Gives the exit code."""
    tools.build(processes)
    wanted = {one.setup_of(name).of for one in chosen for name in _proxies(one, peers)}
    found = tools.provide(processes, ["wrk", *sorted(wanted)], not options.no_install)
    if "wrk" not in found:
        tools.say("without wrk the bench's own closed loop saturates")
    versions = {program: tools.version(processes, program) for program in found if program != "wrk"}
    cores = stand.Cores()
    print(f"{_processor()}, proxy on core {cores.proxy}, load and upstream on core {cores.load}, "
          f"load average {procfs.load_average():.2f} before the first round")
    print(table.head(), flush=True)
    collected, panels, missed = [], [], False
    for one in chosen:
        rounds, seconds, shares = _effort(one, options)
        names = [name for name in _proxies(one, peers) if one.setup_of(name).of in versions]
        tools.say(f"{one.name}: {one.about}; {rounds} rounds")
        results = _measure(one, names, processes, cores, directory, (rounds, seconds, shares))
        for label, samples in results.items():
            rows = {name: figures.Row(label, name, versions[one.setup_of(name).of], tuple(samples[name]))
                    for name in names if name in samples}
            verdicts = _verdicts(one, label, rows)
            missed |= any(verdict.met is False for _, verdict in verdicts) or rows["fastgate"].errors > 0
            print("\n".join([table.rows_of(one, rows), *table.notes_of(one, rows, verdicts)]), flush=True)
            collected += rows.values()
            panels.append((label, one.figure, list(rows.values())))
        _write(options, collected, panels)
    return 1 if options.check and missed else 0


def _proxies(one, peers):
    """FastGate under all its names, and the peers that were asked for."""
    return [name for name in one.proxies
            if peers is None or name in peers or one.setup_of(name).of in (*peers, "fastgate")]


def _effort(one, options):
    quick = one.quick if options.quick else None
    rounds = options.rounds or (quick.rounds if quick else ROUNDS)
    seconds = options.seconds or (quick.seconds if quick else one.load.seconds)
    return rounds, seconds, (quick and quick.shares) or one.load.shares


def _measure(one, names, processes, cores, directory, effort):
    here = directory / one.name
    here.mkdir()
    started = stand.Stand(one, names, processes, cores, here)
    try:
        return kinds.measure(started, *effort)
    finally:
        started.end()
        shutil.rmtree(here, ignore_errors=True)


def _verdicts(one, label, rows):
    share = label.removeprefix(one.name + "-")
    holds = [hold for hold in one.holds if hold.at is None or share == str(hold.at)]
    if label.endswith("-empty"):
        return []
    return [(hold, figures.judge(hold, rows)) for hold in holds]


def _write(options, rows, panels):
    """After each scenario, so that what was measured survives what comes later."""
    if options.json:
        _put(options.json, json.dumps([row.json() for row in rows], indent=1) + "\n")
    _put(options.plot, plot.draw([panel for panel in panels if any(row.values(panel[1]) for row in panel[2])],
                                 f"{_processor()}, load average {os.getloadavg()[0]:.2f}"))


def _put(path, text):
    path = pathlib.Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"
