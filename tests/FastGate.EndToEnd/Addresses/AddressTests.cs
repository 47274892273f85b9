using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FastGate.EndToEnd.Processes;
using FastGate.Net;

namespace FastGate.EndToEnd.Addresses;

/// <summary>Where clients come in and where requests go: IPv4, IPv6, Unix sockets, and any of them with any
/// other.</summary>
public sealed class AddressTests : IDisposable
{
    private const int Lanes = 2;

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    private enum Kind
    {
        V4,
        V6,
        Unix,
    }

    public static TheoryData<string, string> Pairs()
    {
        var pairs = new TheoryData<string, string>();
        foreach (string client in Enum.GetNames<Kind>())
        {
            foreach (string upstream in Enum.GetNames<Kind>())
            {
                pairs.Add(client, upstream);
            }
        }
        return pairs;
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void A_request_goes_from_any_kind_of_listener_to_any_kind_of_server(string from, string to)
    {
        Kind kind = Enum.Parse<Kind>(from);
        using HandUpstream upstream = Upstream(Enum.Parse<Kind>(to));
        using var gate = new GateOnLoopback(Listener("web", kind) + GateOnLoopback.To(upstream.Address), Lanes);
        using Wire client = Wire.Connect(EndPointOf(gate, 0));
        client.Send("GET /a HTTP/1.1\r\nHost: [::1]:81\r\n\r\n");
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.StartsWith("GET /a HTTP/1.1\r\nHost: [::1]:81\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nX-Forwarded-Host: [::1]:81\r\n", head, StringComparison.Ordinal);
        string? peer = kind switch { Kind.V4 => "127.0.0.1", Kind.V6 => "::1", _ => null };
        if (peer is not null)
        {
            Assert.Contains($"\r\nX-Forwarded-For: {peer}\r\n", head, StringComparison.Ordinal);
        }
        connection.Send(Expect.Ok);
        client.Fine();
        // And once more over what is open now.
        client.Send(Expect.Get);
        connection.ReadHead();
        connection.Send(Expect.Ok);
        client.Fine();
        gate.AwaitExchanges(2);
        using JsonDocument document = JsonDocument.Parse(gate.Close()[0]);
        JsonElement line = document.RootElement;
        Assert.Equal(peer ?? "unix", line.GetProperty("client.address").GetString());
        Assert.Equal(upstream.Address, line.GetProperty("server").GetString());
        Assert.Equal("::1", line.GetProperty("server.address").GetString());
        Assert.Equal(81, line.GetProperty("server.port").GetInt32());
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void Long_bodies_go_both_ways(string from, string to)
    {
        const int Bytes = 4 * 1024 * 1024;
        using HandUpstream upstream = Upstream(Enum.Parse<Kind>(to));
        using var gate = new GateOnLoopback(
            Listener("web", Enum.Parse<Kind>(from)) + GateOnLoopback.To(upstream.Address), Lanes);
        using Wire client = Wire.Connect(EndPointOf(gate, 0));
        var serving = new Thread(() =>
        {
            using Wire connection = upstream.Accept();
            Assert.Equal(Bytes, Wire.LengthOf(connection.ReadHead()));
            string body = connection.ReadExactly(Bytes);
            connection.Send($"HTTP/1.1 200 OK\r\nContent-Length: {Bytes}\r\n\r\n{body}");
        });
        serving.Start();
        string sent = string.Concat(Enumerable.Range(0, Bytes / 8).Select(i => $"{i:x8}"));
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: {Bytes}\r\n\r\n{sent}");
        Assert.True(sent == client.ReadMessage().Body, "it came out as something else");
        Assert.True(serving.Join(Wire.BoundMs));
        gate.Logs("200");
    }

    [Theory]
    [InlineData(nameof(Kind.V4))]
    [InlineData(nameof(Kind.V6))]
    [InlineData(nameof(Kind.Unix))]
    public void Connections_are_shared_out_over_the_lanes(string kind)
    {
        const int Clients = 8;
        using var gate = new GateOnLoopback(Listener("web", Enum.Parse<Kind>(kind)) + GateProcess.Pong(), Lanes);
        var clients = new List<Wire>();
        for (int i = 0; i < Clients; i++)
        {
            Wire client = Wire.Connect(EndPointOf(gate, 0));
            clients.Add(client);
            Assert.Equal("pong", Ask(client, "/"));
        }
        Assert.All(gate.Transport.Lanes, lane => Assert.Equal(Clients / Lanes, lane.Connections));
        clients.ForEach(client => Assert.Equal("pong", Ask(client, "/again")));
        clients.ForEach(client => client.Dispose());
        gate.Logs([.. Enumerable.Repeat("200", 2 * Clients)]);
    }

    [Theory]
    [InlineData(nameof(Kind.V6))]
    [InlineData(nameof(Kind.Unix))]
    public void A_server_that_is_not_there_is_502(string to)
    {
        string address;
        using (HandUpstream upstream = Upstream(Enum.Parse<Kind>(to)))
        {
            address = upstream.Address;
        }
        using var gate = new GateOnLoopback(GateOnLoopback.To(address), Lanes);
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        client.Problem(502, "connection_refused");
        gate.Logs("502 connection_refused");
    }

    [Theory]
    [InlineData(nameof(Kind.V6))]
    [InlineData(nameof(Kind.Unix))]
    public void A_server_s_own_name_can_stand_in_Host(string to)
    {
        using HandUpstream upstream = Upstream(Enum.Parse<Kind>(to));
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address, "host = \"upstream\""), Lanes);
        using Wire client = gate.Connect();
        client.Send(Expect.Get);
        using Wire connection = upstream.Accept();
        string name = upstream.Address.StartsWith("unix:", StringComparison.Ordinal) ? "localhost" : upstream.Address;
        Assert.StartsWith($"GET /a HTTP/1.1\r\nHost: {name}\r\n", connection.ReadHead(), StringComparison.Ordinal);
        connection.Send(Expect.Ok);
        client.Fine();
    }

    /// <summary>One socket takes both; an IPv4 client is one, whatever the socket calls it.</summary>
    [Fact]
    public void A_listener_without_a_host_takes_IPv4_and_IPv6()
    {
        using var gate = new GateOnLoopback("""
            [server]
            trusted_proxies = ["127.0.0.0/8"]
            [[listener]]
            name = "web"
            bind = ":0"

            """ + GateProcess.Pong(), Lanes);
        foreach (IPAddress address in (IPAddress[])[IPAddress.Loopback, IPAddress.IPv6Loopback])
        {
            using Wire client = Wire.Connect(new IPEndPoint(address, gate.Port));
            client.Send("GET / HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 192.0.2.1\r\n\r\n");
            Assert.Equal("pong", client.ReadMessage().Body);
        }
        gate.AwaitExchanges(2);
        string[] lines = gate.Close();
        Assert.Single(lines, line => line.Contains("\"client.address\":\"192.0.2.1\"", StringComparison.Ordinal));
        Assert.Single(lines, line => line.Contains("\"client.address\":\"::1\"", StringComparison.Ordinal));
    }

    [Fact]
    public void A_route_that_names_listeners_is_on_those_only()
    {
        using var gate = new GateOnLoopback(
            Listener("front", Kind.V4) + Listener("inner", Kind.V6) + Listener("local", Kind.Unix)
            + Route("everywhere", "/all", "") + Route("front", "/x", "listener = [\"front\"]")
            + Route("back", "/x", "listener = [\"inner\", \"local\"]") + Route("local", "/local/*", "listener = [\"local\"]"),
            Lanes);
        using Wire front = Wire.Connect(EndPointOf(gate, 0));
        using Wire inner = Wire.Connect(EndPointOf(gate, 1));
        using Wire local = Wire.Connect(EndPointOf(gate, 2));
        Assert.All((Wire[])[front, inner, local], client => Assert.Equal("everywhere", Ask(client, "/all")));
        Assert.Equal("front", Ask(front, "/x"));
        Assert.Equal("back", Ask(inner, "/x"));
        Assert.Equal("back", Ask(local, "/x"));
        Assert.Equal("local", Ask(local, "/local/a"));
        foreach (Wire client in (Wire[])[front, inner])
        {
            client.Send("GET /local/a HTTP/1.1\r\nHost: h\r\n\r\n");
            client.Problem(404, "no_route");
        }
        gate.Logs([.. Enumerable.Repeat("200", 7), "404 no_route", "404 no_route"]);
    }

    private static string Ask(Wire client, string path)
    {
        client.Send($"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 200 ", head, StringComparison.Ordinal);
        return body;
    }

    private static string Route(string name, string match, string rest) => $$"""
        [[route]]
        name = "{{name}}"
        match = "{{match}}"
        respond = { status = 200, body = "{{name}}" }
        {{rest}}

        """;

    private string Listener(string name, Kind kind)
    {
        string bind = kind switch
        {
            Kind.V4 => "127.0.0.1:0",
            Kind.V6 => "[::1]:0",
            _ => $"unix:{_scratch.Path(name)}",
        };
        return $"[[listener]]\nname = \"{name}\"\nbind = \"{bind}\"\n";
    }

    private HandUpstream Upstream(Kind kind) => kind switch
    {
        Kind.V4 => new HandUpstream(),
        Kind.V6 => new HandUpstream(new IPEndPoint(IPAddress.IPv6Loopback, 0)),
        _ => new HandUpstream(new UnixDomainSocketEndPoint(_scratch.Path("upstream"))),
    };

    private static EndPoint EndPointOf(GateOnLoopback gate, int listener)
    {
        NetAddress address = gate.Gate.Listeners[listener].Address;
        return address.Kind == NetAddress.AddressKind.Unix
            ? new UnixDomainSocketEndPoint(address.Path!)
            : new IPEndPoint(address.Ip!, address.Port);
    }
}
