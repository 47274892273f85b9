"""What was measured, and what follows from it: medians, ratios within a round, their interval, and the verdicts."""
import dataclasses
import math
import statistics

# Where the busy time of the proxy's core differs from the proxy's own by more, the larger counts.
CORE_TOLERANCE = 0.05


@dataclasses.dataclass(frozen=True)
class Sample:
    """One proxy in one round. None where a figure has no meaning."""
    rps: float | None = None
    cpu_us_per_request: float | None = None
    own_us: float | None = None
    core_us: float | None = None
    p50_us: float | None = None
    p99_us: float | None = None
    p999_us: float | None = None
    rss_mib: float | None = None
    rss_kib_per_connection: float | None = None
    start_ms: float | None = None
    errors: int = 0
    trouble: str = ""
    load: float | None = None

    @staticmethod
    def of_load(outcome, errors, cpu_us, busy_us, is_quiet, rss_mib, average):
        """`cpu_us` is None where the time was spent on others than the requests that were counted."""
        if outcome.requests == 0:
            return Sample(errors=max(errors, 1), trouble=outcome.trouble or "no right answer", rss_mib=rss_mib,
                          load=average)
        sample = Sample(rps=outcome.requests / outcome.seconds, p50_us=outcome.p50_us, p99_us=outcome.p99_us,
                        p999_us=outcome.p999_us, rss_mib=rss_mib, errors=errors, trouble=outcome.trouble, load=average)
        if cpu_us is None:
            return sample
        own, core = cpu_us / outcome.requests, busy_us / outcome.requests
        return dataclasses.replace(sample, cpu_us_per_request=counted(own, core, is_quiet), own_us=own, core_us=core)

    def summary(self, figure):
        value = getattr(self, figure)
        said = f"{figure} {value:.2f}" if value is not None else "nothing"
        return said + (f", {self.errors} errors ({self.trouble})" if self.errors else "")


def counted(own, core, is_quiet):
    """The kernel's workers on the core count too. A core that is busy with others tells nothing of them."""
    return max(own, core) if is_quiet and abs(own - core) > CORE_TOLERANCE * max(own, core) else own


@dataclasses.dataclass(frozen=True)
class Row:
    """A proxy in a scenario: its rounds. A row with an error is compared with nobody and wins nothing."""
    scenario: str
    proxy: str
    version: str
    samples: tuple

    @property
    def errors(self):
        return sum(sample.errors for sample in self.samples)

    @property
    def trouble(self):
        return next((sample.trouble for sample in self.samples if sample.errors), "")

    @property
    def is_core_counted(self):
        """The busy time of the core counts in most rounds, not the proxy's own."""
        larger = [s.cpu_us_per_request != s.own_us for s in self.samples if s.own_us is not None]
        return sum(larger) * 2 > len(larger)

    def values(self, figure):
        return [value for sample in self.samples if (value := getattr(sample, figure)) is not None]

    def median(self, figure):
        values = self.values(figure)
        return statistics.median(values) if values else None

    def json(self):
        def rounded(figure):
            value = self.median(figure)
            return None if value is None else round(value, 3)

        return {"scenario": self.scenario, "proxy": self.proxy,
                **{figure: rounded(figure) for figure in ("rps", "cpu_us_per_request", "p50_us", "p99_us", "p999_us",
                                                          "rss_mib")},
                "errors": self.errors}


@dataclasses.dataclass(frozen=True)
class Estimate:
    """A median with an interval that holds the true one with at least this probability."""
    median: float
    low: float
    high: float
    coverage: float


def estimate(values):
    """From the order of the values, with no assumption about their distribution: the number of values below the true
    median is binomial. The narrowest symmetric interval of at least 95 %; six values are the fewest that give one."""
    ordered, count = sorted(values), len(values)

    def coverage(cut):
        return 1 - 2 * sum(math.comb(count, k) for k in range(cut)) / 2**count

    cut = 1
    while 2 * (cut + 1) <= count and coverage(cut + 1) >= 0.95:
        cut += 1
    return Estimate(statistics.median(ordered), ordered[cut - 1], ordered[-cut], coverage(cut))


def ratio(ours, theirs, figure):
    """FastGate to a peer within each round; None where either has errors or no such figure."""
    if ours.errors or theirs.errors:
        return None
    pairs = [(getattr(a, figure), getattr(b, figure)) for a, b in zip(ours.samples, theirs.samples)]
    ratios = [a / b for a, b in pairs if a is not None and b]
    return estimate(ratios) if ratios else None


@dataclasses.dataclass(frozen=True)
class Verdict:
    """What became of one thing that must hold. `met` is None where it could not be judged."""
    text: str
    met: bool | None
    aim_met: bool | None = None


def judge(hold, rows):
    """`rows` are those of one scenario by proxy."""
    ours = rows["fastgate"]
    if ours.errors:
        return Verdict("FastGate had errors", False if hold.must is not None else None)
    if not hold.best_of:
        values = ours.values(hold.figure)
        return _verdict(hold, estimate(values) if values else None)
    ratios = {peer: found for peer in hold.best_of if peer in rows
              if (found := ratio(ours, rows[peer], hold.figure)) is not None}
    if not ratios:
        return Verdict(f"not judged: no right figure of {', '.join(hold.best_of)}", None)
    best = max(ratios, key=lambda peer: ratios[peer].median)
    return _verdict(hold, ratios[best], f" ({best})")


def _verdict(hold, found, of=""):
    if found is None:
        return Verdict("not judged: not measured", None)
    text = f"{found.median:.3f}{of} [{found.low:.3f} - {found.high:.3f}]"
    met, aim_met = (None if bound is None else found.median <= bound for bound in (hold.must, hold.aim))
    return Verdict(text, met, aim_met)
