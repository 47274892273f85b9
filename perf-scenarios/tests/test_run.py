"""The program itself, with real peers: it leaves no process behind, goes on without what is missing, and a proxy that
answers errors does not win."""
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid

import processes
import tools

RUN = pathlib.Path(__file__).resolve().parent.parent / "run"
MARK = "PERF_SCENARIOS_TEST"
SMALL = """
about = "a test"
proxies = ["fastgate", "relay", "dead"]
[load]
kind = "saturate"
connections = 4
[setup.dead]
of = "fastgate"
dead_upstream = true
[[hold]]
figure = "cpu_us_per_request"
best_of = ["dead"]
must = 1000
[[hold]]
figure = "cpu_us_per_request"
best_of = ["relay"]
must = 1000
"""
setUpModule = lambda: tools.build(processes.Processes())  # noqa: E731


def marked(mark):
    """Processes that have the mark in their environment: all that a run started, and theirs."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and f"{MARK}={mark}".encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" "))
        except OSError:
            pass
    return [command for command in found if command]


class Run(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.directory = pathlib.Path(directory.name)
        self.mark = uuid.uuid4().hex
        self.json = self.directory / "figures.json"
        self.plot = self.directory / "plot.svg"

    def scenario(self, text):
        path = self.directory / "small.toml"
        path.write_text(text)
        return path

    def start(self, *arguments, program=(str(RUN),)):
        process = subprocess.Popen(
            [sys.executable, *program, *map(str, arguments), "--no-install", "--json", str(self.json), "--plot",
             str(self.plot)], env={**os.environ, MARK: self.mark, "TMPDIR": str(self.directory)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(self._end, process)
        return process

    def _end(self, process):
        if process.poll() is None:
            process.kill()
        process.communicate()

    def finish(self, *arguments, **options):
        process = self.start(*arguments, **options)
        output, errors = process.communicate(timeout=240)
        self.assertEqual([], marked(self.mark))
        return process.returncode, output, errors

    def test_a_proxy_that_answers_errors_is_shown_with_them_and_wins_nothing(self):
        code, output, errors = self.finish(self.scenario(SMALL), "--rounds", 1, "--seconds", 1, "--check")
        self.assertEqual(0, code, output + errors)
        rows = {row["proxy"]: row for row in json.loads(self.json.read_text())}
        self.assertEqual({"fastgate", "relay", "dead"}, set(rows))
        self.assertEqual((0, 0), (rows["fastgate"]["errors"], rows["relay"]["errors"]))
        self.assertGreater(rows["fastgate"]["rps"], 0)
        self.assertGreater(rows["dead"]["errors"], 0)
        self.assertIsNone(rows["dead"]["cpu_us_per_request"])
        self.assertIn("not judged", output)
        self.assertIn("/ the best of relay", output)
        self.assertTrue(self.plot.read_text().startswith("<svg"))

    def test_errors_of_the_gate_are_a_miss(self):
        text = SMALL.replace('"relay", "dead"]', '"relay"]').replace("[setup.dead]", "[setup.fastgate]")
        text = text.partition("[[hold]]")[0]
        code, output, errors = self.finish(self.scenario(text), "--rounds", 1, "--seconds", 1, "--check")
        self.assertEqual(1, code, output + errors)

    def test_a_missing_peer_is_said_and_left_out(self):
        hide = ("import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); import tools; real = tools.find;"
                "tools.find = lambda name: None if name in ('nginx', 'wrk') else real(name);"
                "sys.argv[0] = sys.argv.pop(1); runpy.run_path(sys.argv[0], run_name='__main__')")
        text = SMALL.replace('"relay", "dead"]', '"nginx", "relay"]').partition("[setup.dead]")[0]
        code, output, errors = self.finish(self.scenario(text), "--rounds", 1, "--seconds", 1,
                                           program=("-c", hide, str(RUN.parent / "lib"), str(RUN)))
        self.assertEqual(0, code, output + errors)
        self.assertIn("nginx is not here and cannot be installed: skipped", errors)
        self.assertIn("without wrk the bench's own closed loop saturates", errors)
        self.assertEqual([("fastgate", 0), ("relay", 0)],
                         [(row["proxy"], row["errors"]) for row in json.loads(self.json.read_text())])

    def test_an_interrupted_run_leaves_no_process(self):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                process = self.start(self.scenario(SMALL), "--seconds", 60)
                self._wait_for_load(process)
                self.assertGreater(len(marked(self.mark)), 4)
                process.send_signal(number)
                # A second one, as of somebody impatient, must not cut the ending short.
                process.send_signal(number)
                process.communicate(timeout=60)
                self.assertEqual(128 + number, process.returncode)
                self.assertEqual([], marked(self.mark))

    def test_a_killed_run_leaves_no_process_for_long(self):
        process = self.start(self.scenario(SMALL), "--seconds", 60)
        self._wait_for_load(process)
        process.kill()
        due = time.monotonic() + 30
        while marked(self.mark) and time.monotonic() < due:
            time.sleep(0.05)
        self.assertEqual([], marked(self.mark))

    def test_an_exception_leaves_no_process(self):
        fail = ("import runpy, sys; sys.path.insert(0, sys.argv.pop(1)); import kinds; real = kinds._in_turns;\n"
                "def fail(*a): raise RuntimeError('on purpose')\n"
                "kinds._in_turns = fail; sys.argv[0] = sys.argv.pop(1);"
                "runpy.run_path(sys.argv[0], run_name='__main__')")
        code, output, errors = self.finish(self.scenario(SMALL), "--seconds", 1,
                                           program=("-c", fail, str(RUN.parent / "lib"), str(RUN)))
        self.assertEqual(1, code)
        self.assertIn("on purpose", errors)

    def test_wrong_usage(self):
        for arguments, word in ((["no-such"], "no-such"), (["keepalive-64", "--against", "apache"], "apache"),
                                (["keepalive-64", "--rounds", "0"], "at least 1")):
            code, _, errors = self.finish(*arguments)
            self.assertEqual(2, code)
            self.assertIn(word, errors)

    def _wait_for_load(self, process):
        """Everything is there that there ever is: upstream, proxies, and a load that lasts a minute."""
        self.assertTrue(any("warming up" in line for line in process.stderr))
        due = time.monotonic() + 30
        while not any(b"wrk" in command or b" load " in command for command in marked(self.mark)):
            self.assertLess(time.monotonic(), due, "no load began")
            time.sleep(0.01)
