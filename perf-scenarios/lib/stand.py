"""A scenario set up on this machine, and one load on one proxy of it, measured."""
import os
import resource
import subprocess
import time

import figures
import loads
import peers
import probe
import procfs
import tools

SAMPLE_SECONDS = 0.25
QUIET_SECONDS = 0.5


class Cores:
    """The proxy has one for itself; load and upstream share the other."""

    def __init__(self):
        available = sorted(os.sched_getaffinity(0))
        if len(available) < 2:
            raise SystemExit("a comparison needs two cores: one for the proxy, one for load and upstream")
        self.proxy, self.load = available[:2]
        os.sched_setaffinity(0, {self.load})


class Stand:
    def __init__(self, scenario, proxies, processes, cores, directory):
        self.scenario = scenario
        self.processes = processes
        self.cores = cores
        self.directory = directory
        self.paths = peers.paths(scenario)
        self.paths_file = directory / "paths"
        self.paths_file.write_text("\n".join(self.paths))
        self._upstream = peers.CannedUpstream(scenario, directory)
        # Ten thousand connections need as many descriptors; what we start inherits it.
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self._upstream.start(processes, cores.load)
        self.proxies = [peers.Proxy(scenario, name, directory, self._upstream.addresses) for name in proxies]
        self._answers = {}
        self.is_quiet = True

    def listen(self):
        """Looks whether the proxies' core is quiet before any load: only then does its busy time say something."""
        before, begun = procfs.core_busy_us(self.cores.proxy), time.monotonic()
        time.sleep(QUIET_SECONDS)
        busy = (procfs.core_busy_us(self.cores.proxy) - before) / 1e6 / (time.monotonic() - begun)
        self.is_quiet = busy <= figures.CORE_TOLERANCE
        if not self.is_quiet:
            print(f"{self.scenario.name}: core {self.cores.proxy} is {busy:.0%} busy with others before any load: "
                  "figures are noise, and the proxies' own time counts even where the core was busy longer")

    def start(self, proxy):
        """Starts one proxy. Gives a sample that says why when it does not answer at all, otherwise None."""
        proxy.start(self.processes, self.cores.proxy)
        if proxy.wait() is None:
            trouble = f"did not start: {proxy.complaint()}"
            proxy.end(self.processes)
            return figures.Sample(errors=1, trouble=trouble)
        self._answers[proxy.name] = self._look_at(proxy)
        return None

    def end(self):
        for proxy in self.proxies:
            proxy.end(self.processes)
        self._upstream.end(self.processes)

    def _look_at(self, proxy):
        """A right answer as this proxy writes it, byte for byte; None when it gives none."""
        load = self.scenario.load
        headers = [*load.all_headers(), *(["Connection: close"] if load.close else [])]
        answer = probe.ask(proxy.port, self.paths[0], load.method, headers, load.body)
        expected = self.scenario.upstream.body
        if answer is None or (answer.status, answer.body_bytes, answer.is_canned) != (200, expected, True):
            tools.say(f"  {proxy.name} does not answer as it should: {answer or 'not at all'}")
            return None
        return answer

    def load(self, proxy, tool, seconds, rate=None):
        """One load on one proxy: what it took and gave."""
        pids = procfs.members(proxy.process.pid)
        if not pids:
            return figures.Sample(errors=1, trouble=f"it ended: {proxy.complaint()}")
        command = tool.command(self, proxy, seconds, rate)
        average = procfs.load_average()
        cpu, busy = procfs.cpu_us(pids), procfs.core_busy_us(self.cores.proxy)
        process = self.processes.start(command, self.cores.load, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                       text=True, env=loads.environment())
        output, rss = self._watch(process, pids, seconds + loads.PATIENCE_SECONDS)
        cpu, busy = procfs.cpu_us(pids) - cpu, procfs.core_busy_us(self.cores.proxy) - busy
        self.processes.end(process)
        try:
            outcome = tool.read(output, self._answers.get(proxy.name), self.scenario.load)
        except (ValueError, KeyError) as error:
            return figures.Sample(errors=1, trouble=f"{tool.name} failed: {error}")
        # One that gave no right answer to look at beforehand cannot have given right ones since.
        errors = outcome.errors or int(self._answers.get(proxy.name) is None)
        if self.scenario.load.slow is not None:
            # Most of the time went to the slow ones.
            cpu = None
        return figures.Sample.of_load(outcome, errors, cpu, busy, self.is_quiet, rss / 2**20, average)

    def _watch(self, process, pids, patience):
        """What the load prints, and the most memory the proxy had meanwhile."""
        due = time.monotonic() + patience
        rss = procfs.rss_bytes(pids)
        while True:
            try:
                output, _ = process.communicate(timeout=SAMPLE_SECONDS)
                return output, rss
            except subprocess.TimeoutExpired:
                rss = max(rss, procfs.rss_bytes(pids))
                if time.monotonic() > due:
                    self.processes.end(process)
                    return "", rss
