"""What the terminal shows: one table, row by row as scenarios end, and below each what had to hold."""
import figures
from scenario import UNITS

COLUMNS = (("scenario", 22), ("proxy", 11), ("version", 14), ("rps", 8), ("CPU us", 9), ("core us", 9), ("p50 us", 9),
           ("p99 us", 9), ("p99.9 us", 9), ("RSS MiB", 8), ("errors", 7), ("FastGate / it", 23), ("load", 6))
LEFT = 3


def head():
    return _line([name for name, _ in COLUMNS]) + "\n" + _line(["-" * width for _, width in COLUMNS])


def rows_of(scenario, rows):
    """The lines of one scenario: every proxy, the cheapest first, those with errors last."""
    def order(row):
        return row.errors > 0, row.median(scenario.figure) or 0

    return "\n".join(_row(scenario, rows["fastgate"], row) for row in sorted(rows.values(), key=order))


def _row(scenario, ours, row):
    star = "*" if row.is_core_counted else ""
    compared = ""
    if row is not ours:
        found = figures.ratio(ours, row, scenario.figure)
        compared = f"{found.median:.3f} [{found.low:.3f} - {found.high:.3f}]" if found else "-"
    return _line([
        row.scenario, row.proxy, row.version, _number(row.median("rps"), 0), _number(row.median("own_us"), 2),
        _number(row.median("core_us"), 2) + star, _number(row.median("p50_us"), 0), _number(row.median("p99_us"), 0),
        _number(row.median("p999_us"), 0), _number(row.median("rss_mib"), 1), str(row.errors), compared,
        _number(row.median("load"), 1)])


def notes_of(scenario, rows, verdicts):
    """What has to be said of the rows: errors, the interval, and each thing that must hold."""
    lines = [f"  {row.proxy}: {row.errors} errors ({row.trouble}); it is compared with nobody"
             for row in rows.values() if row.errors]
    if any(row.is_core_counted for row in rows.values()):
        lines.append("  * the core was busy over 5 % longer than the proxy itself: the core's time counts")
    found = [figures.ratio(rows["fastgate"], row, scenario.figure) for row in rows.values() if row.proxy != "fastgate"]
    if any(found):
        coverage = min(one.coverage for one in found if one is not None)
        few = "" if coverage >= 0.95 else ": six rounds are the fewest for 95 %"
        lines.append(f"  FastGate / it: {UNITS[scenario.figure]}, the median of the rounds' ratios "
                     f"[their {coverage:.1%} interval{few}]")
    for hold, verdict in verdicts:
        of = f" / the best of {', '.join(hold.best_of)}" if hold.best_of else ""
        lines.append(f"  {UNITS[hold.figure]}{of}: {verdict.text}"
                     + _said("must", hold.must, verdict.met) + _said("aim", hold.aim, verdict.aim_met))
    return lines


def _said(word, bound, met):
    if bound is None:
        return ""
    return f"; {word} {bound:g} {'not judged' if met is None else 'met' if met else 'MISSED'}"


def _number(value, digits):
    return "" if value is None else f"{value:.{digits}f}"


def _line(cells):
    padded = [f"{cell:{'<' if at < LEFT else '>'}{width}}" for at, (cell, (_, width)) in enumerate(zip(cells, COLUMNS))]
    return " ".join(padded).rstrip()
