"""What follows from samples: intervals, ratios, verdicts, and what is written of them."""
import math
import unittest

import plot
import scenario
import table
from figures import Row, Sample, counted, estimate, judge, ratio
from scenario import Hold


def row(proxy, cpu, errors=0):
    return Row("s", proxy, "1", tuple(Sample(cpu_us_per_request=one, own_us=one, core_us=one, rps=1000, p50_us=1,
                                             p99_us=2, p999_us=3, rss_mib=4, errors=errors) for one in cpu))


class Figures(unittest.TestCase):
    def test_the_larger_of_process_and_core_counts_over_five_percent_on_a_quiet_core(self):
        self.assertEqual(20, counted(20, 20.9, True))
        self.assertEqual(22, counted(20, 22, True))
        self.assertEqual(20, counted(20, 40, False))

    def test_an_interval_has_the_coverage_it_claims(self):
        for count in range(1, 30):
            found = estimate(range(count))
            cut = found.low
            outside = sum(math.comb(count, k) for k in range(cut + 1)) / 2**count
            self.assertAlmostEqual(1 - 2 * outside, found.coverage)
        self.assertEqual((0, 5), (estimate(range(6)).low, estimate(range(6)).high))
        self.assertEqual((1, 7), (estimate(range(9)).low, estimate(range(9)).high))
        self.assertLess(estimate(range(5)).coverage, 0.95)

    def test_a_ratio_is_taken_within_each_round(self):
        # Both drift by the factor of ten: the ratio does not.
        found = ratio(row("fastgate", [10, 100, 50]), row("nginx", [20, 200, 100]), "cpu_us_per_request")
        self.assertEqual((0.5, 0.5, 0.5), (found.median, found.low, found.high))

    def test_a_row_with_errors_is_compared_with_nobody(self):
        fast_but_wrong = row("nginx", [1, 1, 1], errors=1)
        ours = row("fastgate", [10, 10, 10])
        self.assertIsNone(ratio(ours, fast_but_wrong, "cpu_us_per_request"))
        hold = Hold("cpu_us_per_request", ("nginx", "haproxy"), must=0.86, aim=0.79)
        verdict = judge(hold, {"fastgate": ours, "nginx": fast_but_wrong, "haproxy": row("haproxy", [12, 12, 12])})
        self.assertEqual((True, False), (verdict.met, verdict.aim_met))
        self.assertIn("haproxy", verdict.text)
        self.assertIsNone(judge(hold, {"fastgate": ours, "nginx": fast_but_wrong}).met)

    def test_the_best_peer_is_the_one_that_counts(self):
        rows = {name: row(name, [cpu] * 3) for name, cpu in (("fastgate", 10), ("nginx", 9), ("haproxy", 20))}
        self.assertFalse(judge(Hold("cpu_us_per_request", ("nginx", "haproxy"), must=1.0), rows).met)
        self.assertTrue(judge(Hold("cpu_us_per_request", ("haproxy",), must=1.0), rows).met)

    def test_errors_of_ours_miss_every_must(self):
        rows = {"fastgate": row("fastgate", [1] * 3, errors=2), "nginx": row("nginx", [9] * 3)}
        self.assertFalse(judge(Hold("cpu_us_per_request", ("nginx",), must=1.0), rows).met)

    def test_a_row_is_written_with_exactly_the_agreed_keys(self):
        self.assertEqual(["cpu_us_per_request", "errors", "p50_us", "p999_us", "p99_us", "proxy", "rps", "rss_mib",
                          "scenario"], sorted(row("nginx", [1]).json()))
        self.assertIsNone(Row("s", "nginx", "1", (Sample(rss_mib=1),)).json()["rps"])

    def test_the_table_and_the_plot_show_errors(self):
        rows = {"fastgate": row("fastgate", [10]), "nginx": row("nginx", [1], errors=7)}
        one = scenario.read("keepalive-64")
        shown = table.rows_of(one, rows).split("\n")
        self.assertTrue(shown[0].split()[1] == "fastgate" and shown[1].endswith(" 7                       -"), shown)
        drawn = plot.draw([("s", "cpu_us_per_request", list(rows.values()))], "here <now>")
        self.assertIn("7 errors", drawn)
        self.assertIn("here &lt;now&gt;", drawn)


class Scenarios(unittest.TestCase):
    def test_every_file_is_a_scenario(self):
        self.assertGreaterEqual(len(scenario.names()), 14)
        for name in scenario.names():
            self.assertEqual(name, scenario.read(name).name)

    def test_what_a_file_gets_wrong_is_said(self):
        good = {"about": "a", "proxies": ["fastgate", "nginx"], "load": {"kind": "saturate"}}
        for change, word in (({"loud": 1}, "loud"), ({"load": {"kind": "idle", "threads": 2}}, "threads"),
                             ({"load": {"kind": "saturated"}}, "saturate"), ({"proxies": ["nginx"]}, "fastgate"),
                             ({"proxies": ["fastgate", "apache"]}, "apache"), ({"setup": {"yarp": {}}}, "setup"),
                             ({"setup": {"nginx": {"servers": 2}}}, "several servers"),
                             ({"setup": {"fastgate": {"servers": 2}}, "upstream": {"unix": True}}, "Unix socket"),
                             ({"hold": [{"figure": "speed"}]}, "rps"),
                             ({"hold": [{"figure": "rps", "best_of": ["yarp"]}]}, "best_of")):
            with self.assertRaisesRegex(TypeError, word):
                scenario.parse("x", {**good, **change})
        scenario.parse("x", good)

    def test_many_headers_are_thirty_with_two_kib_of_cookies(self):
        headers = scenario.read("many-headers").load.all_headers()
        self.assertEqual(30, len(headers))
        self.assertEqual(2048, len(headers[-1].removeprefix("Cookie: ")))
        self.assertEqual(30, len({header.partition(":")[0].lower() for header in headers}))
