using System.Text.Json;

namespace FastGate.EndToEnd.Processes;

/// <summary>What the process does when it is told something by a signal.</summary>
public sealed class SignalTests : IDisposable
{
    private const string Request = "GET /held HTTP/1.1\r\nHost: localhost\r\n\r\n";
    private const string Answer = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld";

    /// <summary>Far below the 25 s that a drain may take: what ends sooner did not wait for it.</summary>
    private const int AtOnceMs = 10_000;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData(GateProcess.Terminate)]
    [InlineData(GateProcess.Interrupt)]
    public void The_first_signal_lets_an_open_exchange_finish_and_the_process_ends_with_0(int signal)
    {
        Assert.SkipWhen(signal == GateProcess.Interrupt && GateProcess.IsInterruptIgnored, "SIGINT is ignored here");
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Request);
        using Wire server = upstream.Accept();
        server.ReadHead();
        gate.Signal(signal);
        Assert.EndsWith("connections=1", gate.Error.WaitFor("info draining"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 503 ", gate.Get("/readyz", gate.AdminPort), StringComparison.Ordinal);
        server.Send(Answer);
        (string head, string body) = client.ReadMessage();
        Assert.Equal("held", body);
        Assert.Contains("Connection: close\r\n", head, StringComparison.OrdinalIgnoreCase);
        client.AssertEnded();
        client.Dispose();
        Assert.Equal(0, gate.WaitForExit());
        Assert.EndsWith("connections=0", gate.Error.WaitFor("info drained"), StringComparison.Ordinal);
        Assert.Contains("\"url.path\":\"/held\"", Assert.Single(gate.Out.WaitForEnd()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(GateProcess.Terminate)]
    [InlineData(GateProcess.Interrupt)]
    public void The_second_signal_ends_it_at_once(int signal)
    {
        Assert.SkipWhen(signal == GateProcess.Interrupt && GateProcess.IsInterruptIgnored, "SIGINT is ignored here");
        using var upstream = new HandUpstream();
        using GateProcess gate = GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Request);
        using Wire server = upstream.Accept();
        server.ReadHead();
        gate.Signal(signal);
        gate.Error.WaitFor("info draining");
        gate.Signal(signal);
        Assert.Equal(0, gate.WaitForExit(AtOnceMs));
        gate.Error.WaitFor("a second signal: ending at once");
        Assert.Equal("", client.ReadToEnd(out _));
    }

    [Fact]
    public void What_outlasts_the_drain_is_cut_and_logged()
    {
        using var upstream = new HandUpstream();
        using GateProcess gate =
            GateProcess.Serve(_scratch, GateOnLoopback.To(upstream.Address, rest: "[server]\ndrain = \"200ms\"\n"));
        using Wire client = gate.Connect();
        client.Send(Request);
        using Wire server = upstream.Accept();
        server.ReadHead();
        gate.Signal(GateProcess.Terminate);
        Assert.Equal(0, gate.WaitForExit(AtOnceMs));
        gate.Error.WaitFor("warn the time for draining is up");
        Assert.Equal("", client.ReadToEnd(out _));
        using JsonDocument line = JsonDocument.Parse(Assert.Single(gate.Out.WaitForEnd()));
        Assert.Equal("draining", line.RootElement.GetProperty("reason").GetString());
    }

    [Fact]
    public void SIGHUP_is_said_and_the_process_goes_on()
    {
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong());
        using Wire client = gate.Connect();
        client.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal("pong", client.ReadMessage().Body);
        gate.Signal(GateProcess.Hangup);
        gate.Error.WaitFor("warn SIGHUP: reload is not available yet");
        client.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.Equal("pong", client.ReadMessage().Body);
        gate.End();
    }

    [Fact]
    public void SIGUSR1_reopens_the_access_log_without_waiting_for_a_line()
    {
        string path = _scratch.Path("access.log");
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong("[log]\nto = \"access.log\"\n"));
        gate.Get("/old");
        // A line is written after its answer was sent.
        Assert.True(
            SpinWait.SpinUntil(() => new FileInfo(path).Length > 0, Wire.BoundMs), "the first line was not written");
        File.Move(path, path + ".1");
        gate.Signal(GateProcess.User1);
        Assert.True(SpinWait.SpinUntil(() => File.Exists(path), Wire.BoundMs), "the log was not opened again");
        gate.Get("/new");
        gate.End();
        Assert.Equal("/old", PathOf(Assert.Single(File.ReadAllLines(path + ".1"))));
        Assert.Equal("/new", PathOf(Assert.Single(File.ReadAllLines(path))));
    }

    [Fact]
    public void Rotating_under_load_loses_no_line_and_tears_none()
    {
        const int Rotations = 8;
        string path = _scratch.Path("access.log");
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong("[log]\nto = \"access.log\"\n"));
        int[] sent = new int[2];
        bool stop = false;
        Thread[] clients = [.. Enumerable.Range(0, sent.Length).Select(i => new Thread(() =>
        {
            using Wire client = gate.Connect();
            for (; !Volatile.Read(ref stop); sent[i]++)
            {
                client.Send($"GET /{i}/{sent[i]} HTTP/1.1\r\nHost: localhost\r\n\r\n");
                client.ReadMessage();
            }
        }))];
        foreach (Thread client in clients)
        {
            client.Start();
        }
        for (int i = 1; i <= Rotations; i++)
        {
            // Something is in it before it goes.
            Assert.True(SpinWait.SpinUntil(() => new FileInfo(path) is { Exists: true, Length: > 0 }, Wire.BoundMs));
            File.Move(path, $"{path}.{i}");
            gate.Signal(GateProcess.User1);
        }
        Volatile.Write(ref stop, true);
        foreach (Thread client in clients)
        {
            Assert.True(client.Join(Wire.BoundMs));
        }
        gate.End();
        string[] files = [path, .. Enumerable.Range(1, Rotations).Select(i => $"{path}.{i}")];
        string[] logged = [.. files.Where(File.Exists).SelectMany(File.ReadAllLines).Select(PathOf).Order()];
        string[] expected = [.. sent.SelectMany((n, i) => Enumerable.Range(0, n).Select(r => $"/{i}/{r}")).Order()];
        Assert.Equal(expected, logged);
    }

    private static string PathOf(string line)
    {
        using JsonDocument json = JsonDocument.Parse(line);
        return json.RootElement.GetProperty("url.path").GetString()!;
    }
}
