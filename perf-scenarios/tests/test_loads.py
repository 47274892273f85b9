"""The load tools check what they get: wrong statuses, wrong lengths, broken and missing answers, and nobody there."""
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import threading
import types
import unittest
from unittest import mock

import loads
import peers
import probe
import processes
import scenario
import tools

RIGHT = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nxxx"
setUpModule = lambda: tools.build(processes.Processes())  # noqa: E731


class HandServer:
    """Answers each request with the same bytes, and then ends the connection if it is told to."""

    def __init__(self, answer, ends=False):
        self._answer, self._ends = answer, ends
        self.connections, self.body_bytes = 0, 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        received = b""
        with connection:
            try:
                while more := connection.recv(1 << 20):
                    received += more
                    head, end, body = received.partition(b"\r\n\r\n")
                    length = int(head.partition(b"Content-Length: ")[2].split(b"\r\n")[0] or 0)
                    if not end or len(body) < length:
                        continue
                    self.body_bytes += len(body)
                    received = b""
                    connection.sendall(self._answer)
                    if self._ends:
                        return
            except OSError:
                pass


def load(port, *options, seconds=0.3):
    command = ["dotnet", str(tools.BENCH), "load", str(port), "--seconds", str(seconds), "--warmup", "0.1", *options]
    return json.loads(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)


class Generator(unittest.TestCase):
    def expect(self, answer, wrong, *options, ends=False):
        with HandServer(answer, ends) as server:
            figures = load(server.port, "--connections", "2", "--rate", "50", "--length", "3", *options)
        outcomes = {key: figures[key] for key in ("requests", "not_connected", "wrong_status", "wrong_length", "broken",
                                                  "unanswered")}
        self.assertEqual({wrong: 20}, {key: count for key, count in outcomes.items() if count})
        return figures

    def test_right_answers_at_the_rate_that_was_asked_for(self):
        figures = self.expect(RIGHT, "requests")
        # 15 of the 20 fall due after the warm-up; the clock of the first may stand on either side.
        self.assertIn(figures["measured"], (15, 16))
        self.assertGreater(figures["p50_us"], 0)
        self.assertGreaterEqual(figures["max_us"], figures["p999_us"])

    def test_a_wrong_status(self):
        self.expect(RIGHT.replace(b"200", b"502"), "wrong_status")

    def test_a_length_that_was_not_expected(self):
        self.expect(RIGHT.replace(b"3\r\n\r\nxxx", b"2\r\n\r\nxx"), "wrong_length")

    def test_no_length(self):
        self.expect(b"HTTP/1.1 200 OK\r\n\r\nxxx", "wrong_length", ends=True)

    def test_more_than_was_announced(self):
        self.expect(RIGHT + b"x", "wrong_length")

    def test_an_answer_that_ends_early(self):
        self.expect(RIGHT[:-1], "broken", ends=True)

    def test_a_connection_for_each_request(self):
        with HandServer(RIGHT, ends=True) as server:
            figures = load(server.port, "--close", "--rate", "50", "--length", "3")
            self.assertEqual((20, 20), (figures["requests"], server.connections))

    def test_a_connection_that_does_not_end_as_asked_is_broken(self):
        with HandServer(RIGHT) as server:
            figures = load(server.port, "--close", "--rate", "10", "--connections", "4", seconds=0.1)
            self.assertEqual((0, 2), (figures["requests"], figures["broken"]))

    def test_bodies_of_requests(self):
        with HandServer(RIGHT) as server:
            figures = load(server.port, "--body", "300000", "--method", "POST", "--rate", "50")
            self.assertEqual((20, 20 * 300_000), (figures["requests"], server.body_bytes))

    def test_nobody_there(self):
        figures = load(peers.free_port(), "--connections", "2", "--rate", "50")
        self.assertEqual((0, 20), (figures["requests"], figures["not_connected"]))

    def test_a_stall_is_in_the_latency_of_every_request_it_delayed(self):
        # One connection whose answers take 20 ms, asked every 10 ms: a closed loop would see 20 ms in each.
        class Sleepy(HandServer):
            def _serve(self, connection):
                with connection:
                    while connection.recv(65536):
                        threading.Event().wait(0.02)
                        connection.sendall(RIGHT)

        with Sleepy(RIGHT) as server:
            figures = load(server.port, "--connections", "1", "--rate", "100")
        self.assertEqual(40, figures["requests"])
        self.assertGreater(figures["p99_us"], 300_000)

    def test_slow_readers_that_are_refused_are_counted(self):
        with HandServer(RIGHT.replace(b"200", b"503")) as server:
            figures = load(server.port, "--slow", "5", "--rate", "10", "--status", "503")
            self.assertEqual((5, 4), (figures["slow_broken"], figures["requests"]))


class Held(unittest.TestCase):
    def hold(self, server):
        process = subprocess.Popen(["dotnet", str(tools.BENCH), "hold", str(server.port), "--connections", "200",
                                    "--length", "3"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        held = json.loads(process.stdout.readline())["held"]
        output, _ = process.communicate(timeout=60)
        return held, json.loads(output)["kept"], server.connections

    def test_connections_are_used_once_and_held(self):
        with HandServer(RIGHT) as server:
            self.assertEqual((200, 200, 200), self.hold(server))

    def test_connections_that_the_peer_ends_are_not_kept(self):
        with HandServer(RIGHT, ends=True) as server:
            held, kept, connections = self.hold(server)
            self.assertEqual((200, 200), (held, connections))
            # An end may still be under way.
            self.assertLess(kept, 50)

    def test_wrong_answers_are_not_held(self):
        with HandServer(RIGHT.replace(b"200", b"503")) as server:
            self.assertEqual((0, 0, 200), self.hold(server))


class Upstream(unittest.TestCase):
    """What the load and the proxies rely on."""

    def setUp(self):
        self.where = self.start({"body": 100, "big": 3_000_000, "unix": True})[0]

    def start(self, upstream, setup={}):
        started = processes.Processes()
        self.addCleanup(started.end_all)
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        one = scenario.parse("x", {"about": "", "proxies": ["fastgate"], "load": {"kind": "saturate"},
                                   "upstream": upstream, "setup": setup})
        canned = peers.CannedUpstream(one, pathlib.Path(directory.name))
        canned.start(started, sorted(os.sched_getaffinity(0))[0])
        return canned.addresses

    def test_it_is_as_many_servers_as_a_row_wants(self):
        addresses = self.start({"body": 100}, {"fastgate": {"servers": 3}})
        self.assertEqual(3, len(set(addresses)))
        for address in addresses:
            self.assertTrue(probe.ask(int(address.partition(":")[2]), "/").is_canned)

    def test_bodies_small_and_big_down_and_up(self):
        for path, method, headers, body, expected in (("/", "GET", (), None, 100), ("/big", "GET", (), None, 3_000_000),
                                                      ("/", "POST", (), 2_000_000, 100), ("/", "POST", (), 0, 100)):
            answer = probe.ask(self.where, path, method, headers, body)
            self.assertEqual((200, expected, True), (answer.status, answer.body_bytes, answer.is_canned))

    def test_requests_that_come_together_and_in_pieces(self):
        request = b"POST / HTTP/1.1\r\ncontent-length: 5\r\n\r\nhelloGET / HTTP/1.1\r\n\r\n"
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(10)
            connection.connect(self.where)
            for byte in request:
                connection.sendall(bytes([byte]))
            connection.sendall(request * 3)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while more := connection.recv(65536):
                received += more
        self.assertEqual(8, received.count(b"HTTP/1.1 200 OK"))
        self.assertEqual(800, received.count(b"x") - 8 * b"text/plain".count(b"x"))


class OtherTools(unittest.TestCase):
    ANSWER = probe.Answer(200, 90, 10, True)

    def wrk(self, **changes):
        figures = {"requests": 1000, "duration_us": 2_000_000, "bytes": 100_050, "connect": 0, "read": 0, "write": 0,
                   "status": 0, "timeout": 0, "p50_us": 1.5, "p99_us": 2, "p999_us": 3, **changes}
        return loads.Wrk().read(f"Running 2s test\n{json.dumps(figures)}\n", self.ANSWER, scenario.Load("saturate", 64))

    def test_wrk_counts_what_is_right(self):
        outcome = self.wrk()
        self.assertEqual((1000, 2, 1.5, 0), (outcome.requests, outcome.seconds, outcome.p50_us, outcome.errors))
        self.assertEqual((600, 400), (self.wrk(status=400).requests, self.wrk(status=400).errors))
        self.assertEqual("3 read", self.wrk(read=3).trouble)

    def test_wrk_answers_of_another_length_are_errors(self):
        self.assertEqual(0, self.wrk(bytes=100_000 + 64 * 100).errors)
        self.assertEqual("1 length", self.wrk(bytes=99_999).trouble)
        self.assertEqual("10 length", self.wrk(bytes=99_000).trouble)
        self.assertEqual("36 length", self.wrk(bytes=110_000).trouble)

    def test_bombardier(self):
        figures = {"good": 1000, "bad": [0, 0, 0, 0, 0], "bytes": 100_000, "seconds": 2.5,
                   "latency": {"none": 0, "500": 10, "990": 20, "999": 30}}
        outcome = loads.Bombardier().read(json.dumps(figures), self.ANSWER, scenario.Load("saturate"))
        self.assertEqual((1000, 2.5, 10, 20, 30, 0), (outcome.requests, outcome.seconds, outcome.p50_us, outcome.p99_us,
                                                     outcome.p999_us, outcome.errors))
        wrong = loads.Bombardier().read(json.dumps({**figures, "bad": [0, 1, 2, 3, 4]}), self.ANSWER,
                                        scenario.Load("saturate"))
        self.assertEqual(10, wrong.errors)

    def test_a_game_of_the_same_name_is_no_load_tool(self):
        with tempfile.TemporaryDirectory() as directory:
            game = pathlib.Path(directory, "bombardier")
            with mock.patch.object(tools, "SEARCH", directory):
                for said, found in (("hi-score", None), ("bombardier version v1.2.6 linux/amd64", str(game))):
                    game.write_text(f"#!/bin/sh\necho {said}\n")
                    game.chmod(0o755)
                    self.assertEqual(found, tools.find_bombardier(processes.Processes()))

    @unittest.skipUnless(tools.find("wrk"), "wrk is not here")
    def test_wrk_itself_sees_wrong_statuses_and_lengths(self):
        one = scenario.parse("x", {"about": "", "proxies": ["fastgate"],
                                   "load": {"kind": "saturate", "connections": 4}})
        with tempfile.TemporaryDirectory() as directory:
            stand = types.SimpleNamespace(scenario=one, directory=pathlib.Path(directory), paths=["/"], paths_file=None)
            for answer, check in ((RIGHT, lambda o: o.requests > 0 and not o.errors),
                                  (RIGHT.replace(b"200", b"502"), lambda o: o.requests == 0 and o.errors > 0),
                                  (RIGHT.replace(b"3\r\n\r\nxxx", b"2\r\n\r\nxx"), lambda o: "length" in o.trouble)):
                with HandServer(answer) as server:
                    command = loads.Wrk().command(stand, server, 1, None)
                    output = subprocess.run([str(part) for part in command], capture_output=True, text=True,
                                            timeout=60).stdout
                right = probe.Answer(200, len(RIGHT) - 3, 3, True)
                self.assertTrue(check(loads.Wrk().read(output, right, one.load)), output)
