using System.Net;
using System.Net.Sockets;
using System.Text.Json;

namespace FastGate.EndToEnd.Processes;

/// <summary>`fastgate stats` and the running process that it asks.</summary>
public sealed class StatsVerbTests : IDisposable
{
    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    [Fact]
    public void It_shows_the_numbers_of_the_process_at_the_address_that_run_prints()
    {
        using GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong());
        string address = $"127.0.0.1:{gate.AdminPort}";
        gate.Error.WaitFor($"admin on http://{address}/stats (also /healthz, /readyz)");
        gate.Get();
        gate.Get();
        gate.Out.WaitFor("\"url.path\":\"/\"", 2);
        (int code, string output, string error) = GateProcess.Run(_scratch.Root, "stats", "--json", "--admin", address);
        Assert.Equal((0, ""), (code, error));
        using (JsonDocument document = JsonDocument.Parse(output))
        {
            JsonElement stats = document.RootElement;
            Assert.Equal(2, stats.GetProperty("requests").GetProperty("total").GetInt64());
            Assert.Equal(64, stats.GetProperty("config").GetProperty("hash").GetString()!.Length);
            Assert.Equal(0, stats.GetProperty("log_dropped").GetInt64());
            JsonElement fds = stats.GetProperty("fds");
            int open = Directory.GetFiles($"/proc/{gate.Id}/fd").Length;
            Assert.InRange(fds.GetProperty("open").GetInt64(), open - 2, open + 2);
            Assert.True(fds.GetProperty("max").GetInt64() >= fds.GetProperty("open").GetInt64());
            Assert.NotEqual(JsonValueKind.Null, stats.GetProperty("memory").GetProperty("gc_pause_us").ValueKind);
            DateTimeOffset started = stats.GetProperty("started_at").GetDateTimeOffset();
            Assert.InRange(DateTimeOffset.UtcNow - started, TimeSpan.Zero, TimeSpan.FromMinutes(5));
        }
        (code, output, error) = GateProcess.Run(_scratch.Root, "stats", "--admin", $"http://{address}/stats");
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("\nrequests: 2, ", output, StringComparison.Ordinal);
        Assert.Contains("\nall           2 ", output, StringComparison.Ordinal);
        gate.End();
    }

    [Fact]
    public void The_address_and_the_token_come_from_the_configuration()
    {
        _scratch.Write("token", "s3cr3t\n");
        _scratch.Write("gate.toml", $$"""
            version = 1
            [admin]
            listen = "unix:{{_scratch.Path("admin.sock")}}"
            token = "${file:token}"
            [log]
            access = "off"
            [[listener]]
            name = "web"
            bind = "127.0.0.1:0"
            [[route]]
            name = "all"
            match = "/*"
            respond = {}
            """);
        using GateProcess gate = GateProcess.Start(_scratch.Root, "run");
        gate.Error.WaitFor($"admin on unix:{_scratch.Path("admin.sock")} (/stats, /healthz, /readyz)");
        (int code, string output, string error) = GateProcess.Run(_scratch.Root, "stats");
        Assert.Equal((0, ""), (code, error));
        Assert.StartsWith("fastgate ", output, StringComparison.Ordinal);
        (code, output, error) = GateProcess.Run(_scratch.Root, "stats", "--json", "-c", _scratch.Path("gate.toml"));
        Assert.Equal((0, ""), (code, error));
        // Whoever names an address only sends no token of the file that happens to lie here.
        string socket = $"unix:{_scratch.Path("admin.sock")}";
        (code, output, error) = GateProcess.Run(_scratch.Root, "stats", "--admin", socket);
        Assert.Equal((4, "", $"fastgate: {socket} wants a token: name its configuration with -c\n"), (code, output, error));
        (code, _, error) = GateProcess.Run(_scratch.Root, "stats", "-c", "gate.toml", "--admin", socket);
        Assert.Equal((0, ""), (code, error));
        _scratch.Write("token", "another");
        (code, _, error) = GateProcess.Run(_scratch.Root, "stats");
        Assert.Equal((4, $"fastgate: {socket} does not accept the token of the configuration\n"), (code, error));
        gate.End();
        Assert.DoesNotContain(gate.Error.Now, line => line.Contains("s3cr3t", StringComparison.Ordinal));
    }

    [Fact]
    public void Beyond_loopback_without_a_token_it_says_so_and_refuses()
    {
        _scratch.Write("gate.toml",
            "version = 1\n[admin]\nlisten = \"0.0.0.0:0\"\n[[listener]]\nname = \"web\"\nbind = \"127.0.0.1:0\"\n"
            + GateProcess.Pong());
        using GateProcess gate = GateProcess.Start(_scratch.Root, "run");
        string line = gate.Error.WaitFor("admin on http://0.0.0.0:");
        Assert.EndsWith(" (/healthz, /readyz; /stats needs a token)", line, StringComparison.Ordinal);
        gate.Error.WaitFor("warn the admin address is bound beyond loopback without a token");
        string port = line.Split(' ')[2].Split(':')[^1];
        (int code, string output, string error) = GateProcess.Run(_scratch.Root, "stats", "--admin", $"127.0.0.1:{port}");
        Assert.Equal((4, ""), (code, output));
        Assert.Contains("refuses", error, StringComparison.Ordinal);
        gate.End();
    }

    [Fact]
    public void A_process_that_is_not_there_is_4()
    {
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        string address = $"127.0.0.1:{((IPEndPoint)nobody.LocalEndPoint!).Port}";
        (int code, string output, string error) = GateProcess.Run(_scratch.Root, "stats", "--json", "--admin", address);
        Assert.Equal((4, ""), (code, output));
        Assert.StartsWith($"fastgate: cannot reach the admin address {address}: ", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", "does not answer as a fastgate does")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", "does not answer as a fastgate does")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\n{}", "broke off")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n", "broke off")]
    [InlineData("HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", "has no /stats")]
    [InlineData("SSH-2.0-OpenSSH_9.2\r\n", "does not answer as a fastgate does")]
    public void What_is_no_fastgate_is_4_and_a_sentence(string answer, string says)
    {
        using var other = new HandUpstream();
        using GateProcess verb = GateProcess.Start(_scratch.Root, "stats", "--admin", other.Address);
        using (Wire asked = other.Accept())
        {
            Assert.StartsWith($"GET /stats HTTP/1.1\r\nHost: {other.Address}\r\n", asked.ReadHead(),
                StringComparison.Ordinal);
            asked.Send(answer);
        }
        Assert.Equal(4, verb.WaitForExit());
        Assert.Contains(says, Assert.Single(verb.Error.WaitForEnd()), StringComparison.Ordinal);
    }

    [Fact]
    public void A_configuration_that_is_wrong_is_1()
    {
        _scratch.Write("gate.toml", "version = 2\n");
        Assert.Equal(1, GateProcess.Run(_scratch.Root, "stats").Code);
        Assert.Equal(1, GateProcess.Run(_scratch.Root, "stats", "-c", "missing.toml").Code);
    }
}
