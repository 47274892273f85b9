using System.Net.Sockets;

namespace FastGate.EndToEnd.Processes;

/// <summary>Standard output and standard error that take nothing: what cannot be said is lost, and a gate serves all
/// the same.</summary>
public sealed class StandardFileTests : IDisposable
{
    /// <summary>A pipe that is full, and that nobody reads or closes.</summary>
    private const string Full = "mkfifo full; exec 2<>full; head -c 65536 /dev/zero >&2";
    private const string Get = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Theory]
    [InlineData("exec 2>/dev/full")]
    [InlineData("exec >/dev/full 2>&1")]
    [InlineData(Full)]
    public void Nobody_takes_what_is_said(string before)
    {
        WriteGate();
        AssertServes(before);
    }

    [Fact]
    public void Nobody_takes_the_warnings()
    {
        WriteGate(admin: "0.0.0.0:0");
        AssertServes(Full);
    }

    [Fact]
    public void Nobody_takes_why_it_cannot_start()
    {
        using var taken = new Socket(SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        taken.Listen();
        WriteGate(admin: $"{taken.LocalEndPoint}");
        using GateProcess gate = GateProcess.StartBehind(Full, _scratch.Root, "run");
        Assert.Equal(4, gate.WaitForExit());
    }

    [Theory]
    [InlineData("exec >&-")]
    [InlineData("exec 2>&-")]
    [InlineData("exec <&- >&- 2>&-")]
    public void They_are_not_open(string before)
    {
        Assert.SkipUnless(GateProcess.IsNative, "a runtime that compiles opens files of its own before");
        WriteGate();
        AssertServes(before);
    }

    [Fact]
    public void A_result_that_cannot_be_written_is_4()
    {
        WriteGate();
        using GateProcess check = GateProcess.StartBehind("exec >/dev/full", _scratch.Root, "check");
        Assert.Equal(4, check.WaitForExit());
        Assert.StartsWith("fastgate: cannot write the result: No space left on device",
            Assert.Single(check.Error.WaitForEnd()), StringComparison.Ordinal);
    }

    private void WriteGate(string admin = "127.0.0.1:0") => _scratch.Write("gate.toml", GateProcess.Pong($"""
        [[listener]]
        name = "web"
        bind = "unix:{_scratch.Path("gate.sock")}"
        [admin]
        listen = "{admin}"
        """).Insert(0, "version = 1\n"));

    private void AssertServes(string before)
    {
        using GateProcess gate = GateProcess.StartBehind(before, _scratch.Root, "run");
        Wire? client = null;
        Expect.Await(() => (client = TryConnect()) is not null, "nobody listens");
        for (int i = 0; i < 10; i++)
        {
            client!.Send(Get);
            Assert.Equal("pong", client.ReadMessage().Body);
        }
        client!.Dispose();
        gate.End();
    }

    private Wire? TryConnect()
    {
        try
        {
            return Wire.Connect(new UnixDomainSocketEndPoint(_scratch.Path("gate.sock")));
        }
        catch (SocketException)
        {
            return null;
        }
    }
}
