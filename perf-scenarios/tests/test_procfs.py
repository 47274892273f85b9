"""What is read of processes agrees with what they did."""
import os
import subprocess
import sys
import time
import unittest

import procfs

SPIN = "import time\nwhile time.process_time() < 0.3: pass\nprint(time.process_time(), flush=True)\ninput()"


class Procfs(unittest.TestCase):
    def setUp(self):
        self.process = subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, start_new_session=True)
        self.addCleanup(self._end)

    def _end(self):
        self.process.kill()
        self.process.communicate()

    def test_the_time_of_a_process_is_what_it_says_itself(self):
        said = float(self.process.stdout.readline())
        self.assertAlmostEqual(said * 1e6, procfs.cpu_us([self.process.pid]), delta=30_000)
        user, system = (int(field) for field in procfs._stat(self.process.pid)[11:13])
        self.assertAlmostEqual((user + system) * procfs.TICK_US, procfs.cpu_us([self.process.pid]), delta=30_000)

    def test_a_group_has_its_members_until_they_end(self):
        self.assertEqual([self.process.pid], procfs.members(self.process.pid))
        self._end()
        self.assertEqual([], procfs.members(self.process.pid))
        self.assertEqual(0, procfs.cpu_us([self.process.pid]) + procfs.rss_bytes([self.process.pid]))

    def test_memory_is_that_of_the_kernel(self):
        self.process.stdout.readline()
        with open(f"/proc/{self.process.pid}/status", encoding="ascii") as status:
            said = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmRSS:"))
        self.assertAlmostEqual(said, procfs.rss_bytes([self.process.pid]), delta=512 * 1024)

    def test_a_core_that_spins_is_busy(self):
        core = sorted(os.sched_getaffinity(0))[0]
        before, begun = procfs.core_busy_us(core), time.monotonic()
        spinning = subprocess.Popen([sys.executable, "-c", SPIN], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                    preexec_fn=lambda: os.sched_setaffinity(0, {core}))
        spinning.stdout.readline()
        spinning.communicate(b"\n")
        busy = procfs.core_busy_us(core) - before
        self.assertGreaterEqual(busy, 250_000)
        self.assertLessEqual(busy, (time.monotonic() - begun) * 1e6 + 50_000)
