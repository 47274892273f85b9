using System.Net;
using System.Net.Sockets;

namespace FastGate.EndToEnd.Processes;

/// <summary>What scripts see of the program: exit codes, and on which output something is said.</summary>
public sealed class ExitCodeTests : IDisposable
{
    private const string Head = """
        version = 1
        [admin]
        listen = "127.0.0.1:0"
        [[listener]]
        name = "web"
        bind = "127.0.0.1:0"

        """;

    private const string Good = Head + """
        [[route]]
        name = "all"
        match = "/*"
        respond = { status = 200 }

        """;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    private (int Code, string Out, string Error) Run(params string[] arguments) =>
        GateProcess.Run(_scratch.Root, arguments);

    [Fact]
    public void Check_of_a_good_file_is_0()
    {
        _scratch.Write("gate.toml", Good);
        Assert.Equal((0, "gate.toml: ok (1 listener, 1 route, 0 upstreams)\n", ""), Run("check"));
    }

    [Fact]
    public void Check_of_five_mistakes_is_1_and_names_each_place()
    {
        _scratch.Write("gate.toml", Head + """
            [client]
            head_timeout = "10"
            [upstream.orders]
            servers = ["orders:80"]
            [[route]]
            name = "orders"
            match = "/orders/*"
            upstreem = "orders"
            [[route]]
            name = "lost"
            match = "/lost/*"
            upstream = "nobody"
            [[route]]
            name = "open"
            match = "/{open"
            respond = { status = 200 }
            [server]
            drain = 25

            """);
        (int code, string output, string error) = Run("check");
        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.Equal(
            ["gate.toml:8:16", "gate.toml:14:1", "gate.toml:18:12", "gate.toml:21:11", "gate.toml:24:9"],
            error.Split('\n').Where(line => line.Contains(": error: ", StringComparison.Ordinal))
                .Select(line => line[..line.IndexOf(": error: ", StringComparison.Ordinal)]));
    }

    [Theory]
    [InlineData("check")]
    [InlineData("run")]
    public void A_file_that_is_no_TOML_is_1(string verb)
    {
        _scratch.Write("gate.toml", Good + "this is = = not TOML\n");
        (int code, string output, string error) = Run(verb);
        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.StartsWith("gate.toml:11:", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("frobnicate")]
    [InlineData("check", "--frobnicate")]
    [InlineData("run", "--listen", ":8080")]
    public void Wrong_usage_is_2(params string[] arguments)
    {
        (int code, string output, string error) = Run(arguments);
        Assert.Equal(2, code);
        Assert.Equal("", output);
        Assert.StartsWith("fastgate: ", error, StringComparison.Ordinal);
        Assert.Contains("usage: fastgate", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData]
    [InlineData("run")]
    [InlineData("check")]
    public void Without_a_file_it_is_1_and_the_message_says_what_to_do(params string[] arguments)
    {
        (int code, string output, string error) = Run(arguments);
        Assert.Equal(1, code);
        Assert.Equal("", output);
        Assert.Contains("there is no gate.toml", error, StringComparison.Ordinal);
        Assert.Contains("fastgate run --listen :8080 --to http://", error, StringComparison.Ordinal);
        // What a message tells people to do has to work.
        bool hasInit = !GateProcess.Run(_scratch.Root, "init", "--help").Error.Contains(
            "'init' is not available yet", StringComparison.Ordinal);
        Assert.Equal(hasInit, error.Contains("fastgate init", StringComparison.Ordinal));
    }

    [Fact]
    public void A_taken_port_is_4_and_a_sentence()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        AssertCannotListen($"127.0.0.1:{((IPEndPoint)taken.LocalEndPoint!).Port}", "the address is in use");
    }

    [Fact]
    public void The_port_of_another_gate_is_4_and_not_shared()
    {
        using var other = new Scratch();
        using GateProcess gate = GateProcess.Serve(other, GateProcess.Pong());
        AssertCannotListen($"127.0.0.1:{gate.Port}", "the address is in use");
        Assert.EndsWith("pong", gate.Get(), StringComparison.Ordinal);
        gate.End();
    }

    [Fact]
    public void An_admin_address_that_was_asked_for_and_is_taken_is_4()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        string address = $"127.0.0.1:{((IPEndPoint)taken.LocalEndPoint!).Port}";
        _scratch.Write("gate.toml", Good.Replace("listen = \"127.0.0.1:0\"", $"listen = \"{address}\"",
            StringComparison.Ordinal));
        Assert.Equal((4, "", $"fastgate: cannot listen on {address}: the address is in use\n"), RunQuiet());
    }

    [Fact]
    public void The_default_admin_address_gives_way_when_it_is_taken()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            taken.Bind(new IPEndPoint(IPAddress.Loopback, 9901));
            taken.Listen();
        }
        catch (SocketException)
        {
            // Somebody else on this machine has it: just as well.
        }
        using GateProcess gate =
            GateProcess.Start(_scratch.Root, "run", "--listen", "127.0.0.1:0", "--to", "http://127.0.0.1:1");
        gate.Error.WaitFor("listening on http://127.0.0.1:");
        gate.Error.WaitFor("warn no admin address");
        gate.End();
    }

    [Fact]
    public void A_taken_unix_socket_is_4_and_stays()
    {
        string path = _scratch.Path("gate.sock");
        using var taken = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        taken.Bind(new UnixDomainSocketEndPoint(path));
        taken.Listen();
        AssertCannotListen($"unix:{path}", "the path is in use");
        Assert.True(File.Exists(path));
    }

    [Fact]
    public void A_plain_file_in_place_of_a_unix_socket_is_4_and_stays()
    {
        _scratch.Write("gate.sock", "precious");
        AssertCannotListen($"unix:{_scratch.Path("gate.sock")}", "the path is in use");
        Assert.Equal("precious", File.ReadAllText(_scratch.Path("gate.sock")));
    }

    [Fact]
    public void A_unix_socket_that_nobody_answers_on_is_replaced_and_goes_with_the_gate()
    {
        string path = _scratch.Path("gate.sock");
        var leftover = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        leftover.Bind(new UnixDomainSocketEndPoint(path));
        leftover.SafeHandle.Dispose(); // Not Dispose, which removes the file.
        Assert.True(File.Exists(path));
        using (GateProcess gate = GateProcess.Serve(_scratch, GateProcess.Pong(
            $"[[listener]]\nname = \"local\"\nbind = \"unix:{path}\"")))
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(path));
            using var client = new Wire(socket);
            client.Send("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
            Assert.Equal("pong", client.ReadMessage().Body);
            gate.End();
        }
        Assert.False(File.Exists(path), "the socket is left behind");
    }

    [Fact]
    public void An_access_log_that_cannot_be_opened_is_4_and_a_sentence()
    {
        _scratch.Write("gate.toml", Good + "[log]\nto = \"nowhere/access.log\"\n");
        (int code, string output, string error) = RunQuiet();
        Assert.Equal(4, code);
        Assert.Equal("", output);
        Assert.Equal($"fastgate: cannot open the log file {_scratch.Path("nowhere/access.log")}: "
            + "No such file or directory\n", error);
    }

    [Fact]
    public void Version_is_0_and_one_line()
    {
        (int code, string output, string error) = Run("version");
        Assert.Equal((0, ""), (code, error));
        Assert.Matches(@"^fastgate \d+\.\d+\.\d+ \([^\n]+\)\n$", output);
    }

    private void AssertCannotListen(string address, string why)
    {
        _scratch.Write("gate.toml", Good.Replace("bind = \"127.0.0.1:0\"", $"bind = \"{address}\"",
            StringComparison.Ordinal));
        Assert.Equal((4, "", $"fastgate: cannot listen on {address}: {why}\n"), RunQuiet());
    }

    /// <summary>Runs without what depends on the limits of the machine.</summary>
    private (int Code, string Out, string Error) RunQuiet()
    {
        File.AppendAllText(_scratch.Path("gate.toml"), "[client]\nconnections_max = 1\n");
        return Run("run");
    }
}
