using System.Net.Sockets;

namespace FastGate.EndToEnd.Processes;

/// <summary>What the process does at the limits of its machine, and what it leaves alone.</summary>
public sealed class LimitTests : IDisposable
{
    private const string Unreachable = "warn connections_max cannot be reached: the limit of open files is too low";
    private const string Exhausted = "error accepting pauses: out of descriptors or memory";
    private const string HalfGet = "GET /a HTTP/1.1\r\n";
    private const string Get = HalfGet + Rest;
    private const string Rest = "Host: localhost\r\n\r\n";
    private const string Bounds = "[client]\nconnections_max = 1000\nhead_timeout = \"1h\"\n";

    /// <summary>Room for the runtime's own files and a few dozen connections.</summary>
    private const int Few = 128;
    private const string AtMostFew = "-n 128";

    private const string OneLane = "[server]\nworkers = 1\n";

    /// <summary>Of those that take all descriptors, how many idle.</summary>
    private const int Idle = 8;

    private const int MoreThanFew = 160;

    /// <summary>Of 100 a second: a gate that asked again at once would use them all.</summary>
    private const int FewTicks = 10;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("-n 1064", 501, "connections_max=501 reachable=500 open_files=1064")]
    [InlineData("-n 1064", 500, null)]
    [InlineData("-Sn 256; ulimit -Hn 1064", 501, "connections_max=501 reachable=500 open_files=1064")]
    [InlineData("-Sn 256; ulimit -Hn 1064", 500, null)]
    [InlineData("-n 128", 100, "connections_max=100 reachable=32 open_files=128")]
    public void A_bound_that_the_limit_of_open_files_makes_unreachable_is_said(string limit, int connections, string? said)
    {
        using GateProcess gate = GateProcess.Serve(_scratch,
            GateProcess.Pong($"[client]\nconnections_max = {connections}\n"), limit);
        Assert.EndsWith("pong", gate.Get(), StringComparison.Ordinal);
        gate.End();
        string[] warned = [.. gate.Error.WaitForEnd().Where(line => line.Contains(Unreachable, StringComparison.Ordinal))];
        Assert.Equal(said is null ? 0 : 1, warned.Length);
        Assert.All(warned, line => Assert.EndsWith($"{Unreachable} {said}", line, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_gate_that_runs_out_of_descriptors_says_so_once_rests_and_answers_again()
    {
        using GateProcess gate =
            GateProcess.Serve(_scratch, GateProcess.Pong(Bounds), AtMostFew);
        using Wire early = gate.Connect();
        early.Send(HalfGet);
        // Nobody idles, so nobody ends.
        List<Socket> crowd = Crowd(gate, HalfGet);
        gate.Error.WaitFor(Exhausted);
        await CpuTime.SettledAsync(gate.Id, Soon.Token);
        Assert.InRange(await CpuTime.InASecondAsync(gate.Id, Soon.Token), 0, FewTicks);
        early.Send(Rest);
        Assert.Equal("pong", early.ReadMessage().Body);
        Assert.Single(gate.Error.Now, line => line.Contains(Exhausted, StringComparison.Ordinal));
        Leave(gate, crowd);
        using (Wire late = gate.Connect())
        {
            Pong(late);
        }
        early.Dispose();
        gate.End();
    }

    /// <summary>A crowd that says nothing would keep everybody out for as long as it likes.</summary>
    [Fact]
    public void Who_is_idle_makes_room_where_descriptors_run_out()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch,
            GateOnLoopback.To(upstream.Address, rest: Bounds), AtMostFew);
        using Wire busy = gate.Connect();
        busy.Send(HalfGet);
        List<Socket> crowd = Crowd(gate, "");
        gate.Error.WaitFor(Exhausted);
        using Wire late = gate.Connect();
        late.Send(Get);
        using (Wire connection = upstream.Accept())
        {
            connection.ReadHead();
            connection.Send(Expect.Ok);
            late.Fine();
        }
        busy.Send(Rest);
        using (Wire connection = upstream.Accept())
        {
            connection.ReadHead();
            connection.Send(Expect.Ok);
            busy.Fine();
        }
        Assert.Single(gate.Error.Now, line => line.Contains(Exhausted, StringComparison.Ordinal));
        Leave(gate, crowd);
        late.Dispose();
        busy.Dispose();
        gate.End();
    }

    /// <summary>Room is made for those who wait, and only as long as descriptors are short: the rest stay in use.
    /// </summary>
    [Fact]
    public void A_crowd_that_comes_again_and_again_keeps_nobody_out()
    {
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong(Bounds), AtMostFew);
        int before = Resources.ProcessState.Descriptors(gate.Id);
        using (var crowd = new ReturningCrowd(gate, MoreThanFew))
        {
            gate.Error.WaitFor(Exhausted);
            Expect.Await(() => crowd.Returned > MoreThanFew, "few of the crowd end");
            for (int i = 0; i < 3; i++)
            {
                Assert.EndsWith("pong", gate.Get(), StringComparison.Ordinal);
            }
            int taken = Resources.ProcessState.Descriptors(gate.Id) - before;
            // An eighth makes room, a sixteenth is left to connections to servers.
            Assert.InRange(taken, (Few - before) * 3 / 4, Few - before);
        }
        AwaitDescriptors(gate);
        gate.End();
    }

    [Fact]
    public void A_request_that_finds_no_descriptor_for_its_upstream_is_told_and_a_later_one_is_served()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch,
            GateOnLoopback.To(upstream.Address, rest: Bounds), AtMostFew);
        using Wire early = gate.Connect();
        early.Send(Get);
        using (Wire first = upstream.Accept())
        {
            first.ReadHead();
            first.Send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
            early.Fine();
            // Nothing is left in the pool.
            first.AssertEnded();
        }
        early.Send(HalfGet);
        List<Socket> crowd = Crowd(gate, HalfGet);
        gate.Error.WaitFor(Exhausted);
        early.Send(Rest);
        early.Problem(503, "overloaded");
        Assert.False(upstream.HasPending);
        Leave(gate, crowd);
        using Wire late = gate.Connect();
        late.Send(Get);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(Expect.Ok);
        late.Fine();
        late.Dispose();
        early.Dispose();
        gate.End();
    }

    [Fact]
    public async Task A_request_that_finds_no_descriptor_for_its_upstream_has_that_of_one_who_idles()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch,
            GateOnLoopback.To(upstream.Address, rest: Bounds + OneLane), AtMostFew);
        using Wire early = gate.Connect();
        // A runtime that compiles needs descriptors itself, the first time.
        Expect.Exchange(early, upstream).Dispose();
        List<Socket> crowd = await AllTakenAsync(gate);
        Expect.Exchange(early, upstream).Dispose();
        AssertOneEnds(crowd);
        Leave(gate, crowd);
        early.Dispose();
        gate.End();
    }

    [Fact]
    public async Task Who_is_idle_makes_room_for_an_operator_where_descriptors_run_out()
    {
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong(Bounds), AtMostFew);
        // A runtime that compiles needs descriptors itself, the first time.
        AssertStats(gate);
        List<Socket> crowd = await AllTakenAsync(gate);
        AssertStats(gate);
        AssertOneEnds(crowd);
        Leave(gate, crowd);
        gate.End();
    }

    /// <summary>Nobody idles, and what newcomers leave to connections to servers is an operator's too.</summary>
    [Fact]
    public void An_operator_comes_before_the_crowd_where_descriptors_run_out()
    {
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong(Bounds + OneLane), AtMostFew);
        AssertStats(gate);
        using Wire early = gate.Connect();
        early.Send(HalfGet);
        List<Socket> crowd = Crowd(gate, HalfGet);
        gate.Error.WaitFor(Exhausted);
        early.Dispose();
        AssertStats(gate);
        Leave(gate, crowd);
        gate.End();
    }

    [Fact]
    public async Task A_check_that_finds_no_descriptor_says_nothing_of_its_server()
    {
        using var server = new Upstreams.MoodyUpstream("one");
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(server.Address, rest: Bounds,
            upstream: "health = { path = \"/healthz\", every = \"100ms\", timeout = \"80ms\", rise = 1, fall = 1 }"),
            AtMostFew);
        Expect.Await(() => server.Checks > 0, "it is not checked");
        List<Socket> crowd = await AllTakenAsync(gate);
        int checks;
        do
        {
            // A check that was under way has left its descriptor to the next.
            gate.TakeAllDescriptors();
            checks = server.Checks;
            await CpuTime.InASecondAsync(gate.Id, Soon.Token);
        }
        while (server.Checks > checks);
        gate.GiveDescriptorsBack();
        Leave(gate, crowd);
        Expect.Await(() => server.Checks > checks + 1, "it is not checked any more");
        // A busy machine may keep one from its answer in time, which is another reason.
        Assert.DoesNotContain(gate.Error.Now, line => line.Contains("reason=check_refused", StringComparison.Ordinal));
        gate.End();
    }

    [Fact]
    public void A_native_gate_without_a_descriptor_drains_and_ends()
    {
        Assert.SkipUnless(GateProcess.IsNative, "a runtime that compiles needs descriptors to be told of a signal");
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong(Bounds), AtMostFew);
        List<Socket> crowd = Crowd(gate, HalfGet);
        gate.Error.WaitFor(Exhausted);
        gate.Signal(GateProcess.Terminate);
        gate.Error.WaitFor("info draining");
        crowd.ForEach(static socket => socket.Dispose());
        Assert.Equal(0, gate.WaitForExit());
    }

    /// <summary>What a gate opens last are its event loops and its listening sockets.</summary>
    [Fact]
    public void Too_few_descriptors_to_start_with_is_4_and_a_sentence()
    {
        Assert.SkipUnless(GateProcess.IsNative, "a runtime that compiles needs descriptors itself to say anything");
        int needed;
        using (GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong("[server]\nworkers = 1\n")))
        {
            needed = Enumerable.Range(0, int.MaxValue).TakeWhile(fd => Path.Exists($"/proc/{gate.Id}/fd/{fd}")).Count();
            gate.End();
        }
        for (int less = 1; less <= 6; less++)
        {
            (int code, _, string error) = GateProcess.RunLimited(_scratch.Root, needed - less);
            Assert.True(code == 4, $"{needed} - {less}: {code}: {error}");
            Assert.Contains("\nfastgate: cannot ", "\n" + error, StringComparison.Ordinal);
            Assert.Contains("Too many open files\n", error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void The_native_program_starts_without_libssl()
    {
        Assert.SkipUnless(GateProcess.IsNative, "the runtime that compiles has its own needs");
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong());
        Assert.EndsWith("pong", gate.Get(), StringComparison.Ordinal);
        Assert.DoesNotContain("libssl", File.ReadAllText($"/proc/{gate.Id}/maps"), StringComparison.Ordinal);
        gate.End();
    }

    [Fact]
    public async Task A_gate_with_nothing_to_do_uses_no_CPU()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address,
            rest: "[log]\nto = \"access.log\"\n", upstream: "pool = { idle = \"1h\" }"));
        using Wire client = gate.Connect();
        using Wire pooled = Expect.Exchange(client, upstream);
        await CpuTime.SettledAsync(gate.Id, Soon.Token);
        Assert.InRange(await CpuTime.InASecondAsync(gate.Id, Soon.Token), 0, 1);
        client.Dispose();
        gate.End();
    }

    [Fact]
    public void A_name_that_does_not_resolve_stops_nothing_else()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address, rest: """
            [upstream.lost]
            servers = ["no-such-host.invalid:80"]
            [[route]]
            name = "lost"
            match = "/lost/*"
            upstream = "lost"
            """));
        using Wire client = gate.Connect();
        client.Send("GET /lost/a HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.Problem(502, "dns_error");
        gate.Error.WaitFor("warn cannot resolve no-such-host.invalid: ");
        client.Send("GET /lost/b HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client.Problem(502, "dns_error");
        using Wire connection = Expect.Exchange(client, upstream);
        client.Dispose();
        gate.End();
    }

    /// <summary>More connections than there are descriptors for; those that are not accepted wait in the
    /// kernel.</summary>
    private static List<Socket> Crowd(GateProcess gate, string sent)
    {
        var crowd = new List<Socket>();
        for (int i = 0; i < MoreThanFew; i++)
        {
            Wire one = gate.Connect();
            one.Send(sent);
            crowd.Add(one.Socket);
        }
        return crowd;
    }

    private static void Leave(GateProcess gate, List<Socket> crowd)
    {
        crowd.ForEach(static socket => socket.Dispose());
        AwaitDescriptors(gate);
    }

    /// <summary>The gate has found that everybody left. A runtime that compiles needs descriptors to be told of a
    /// signal, and ends with "Out of memory" where there is none; the native program needs none.</summary>
    private static void AwaitDescriptors(GateProcess gate) => Expect.Await(
        () => Resources.ProcessState.Descriptors(gate.Id) < Few - Idle, "those that left keep their descriptors");

    /// <summary>Connections of which most are in the middle of a request and a few idle for a second; then the gate may
    /// open nothing more. Nobody waits to be accepted, so nobody asks for room yet.</summary>
    /// <returns>First those that idle.</returns>
    private static async Task<List<Socket>> AllTakenAsync(GateProcess gate)
    {
        // What ended before is closed by then.
        await CpuTime.SettledAsync(gate.Id, Soon.Token);
        int before = Resources.ProcessState.Sockets(gate.Id);
        var crowd = new List<Socket>();
        for (int i = 0; i < Few / 4; i++)
        {
            Wire one = gate.Connect();
            crowd.Add(one.Socket);
            if (i >= Idle)
            {
                one.Send(HalfGet);
            }
        }
        Expect.Await(() => Resources.ProcessState.Sockets(gate.Id) == before + crowd.Count, "they are not accepted");
        await CpuTime.InASecondAsync(gate.Id, Soon.Token);
        await CpuTime.SettledAsync(gate.Id, Soon.Token);
        gate.TakeAllDescriptors();
        return crowd;
    }

    /// <summary>There was no descriptor: one who idled had to end.</summary>
    private static void AssertOneEnds(List<Socket> crowd) => Expect.Await(
        () => crowd[..Idle].Any(socket => socket.Poll(0, SelectMode.SelectRead)), "nobody ended: there was room");

    private static void AssertStats(GateProcess gate)
    {
        string answer = gate.Get("/stats", gate.AdminPort);
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("\"rss_bytes\":0,", answer, StringComparison.Ordinal);
    }

    private static void Pong(Wire client)
    {
        client.Send(Get);
        Assert.Equal("pong", client.ReadMessage().Body);
    }
}
