using System.Text;

namespace FastGate.EndToEnd.Upgrade;

/// <summary>Two servers that others wrote, each reached directly and through a gate.</summary>
public sealed class SocketServers : IAsyncLifetime
{
    private readonly List<IDisposable> _gates = [];
    private KestrelUpstream? _kestrel;
    private StreamSocketServer? _stream;

    /// <summary>The ports of the server itself and of the gate in front of it.</summary>
    internal (int Direct, int Gate) Kestrel { get; private set; }

    internal (int Direct, int Gate) Stream { get; private set; }

    public async ValueTask InitializeAsync()
    {
        _kestrel = await KestrelUpstream.StartAsync();
        _stream = new StreamSocketServer();
        Kestrel = (_kestrel.Port, PortTo(_kestrel.Address));
        Stream = (_stream.Port, PortTo(_stream.Address));
    }

    public async ValueTask DisposeAsync()
    {
        _gates.ForEach(gate => gate.Dispose());
        await (_kestrel?.DisposeAsync() ?? default);
        await (_stream?.DisposeAsync() ?? default);
    }

    private int PortTo(string address)
    {
        var gate = new GateOnLoopback(GateOnLoopback.To(address), lanes: 2);
        _gates.Add(gate);
        return gate.Port;
    }
}

/// <summary>A tunnel passes every byte as it is and every end as it came: what a client of a web socket sees is the
/// same as without a gate, whatever it does right or wrong.</summary>
public sealed class TranscriptTests(SocketServers servers) : IClassFixture<SocketServers>
{
    private const int OddBytes = 997;
    private const int MaskBytes = 4;
    private const string Ask = "GET /ws/whole HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        + "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    public static TheoryData<string> Titles => [.. SocketCases.All.Select(each => each.Title)];

    /// <summary>Without those whose end Kestrel leaves to chance: it resets over a broken rule, and the close frame
    /// before that arrives or not.</summary>
    public static TheoryData<string> GoodTitles =>
        [.. SocketCases.All.Where(each => !each.BreaksRule).Select(each => each.Title)];

    [Theory]
    [MemberData(nameof(GoodTitles))]
    public void A_client_of_Kestrel_sees_the_same_through_the_gate(string title)
    {
        SocketCase said = SocketCases.Of(title);
        AssertSame(Say(said, servers.Kestrel.Direct), Say(said, servers.Kestrel.Gate));
    }

    [Theory]
    [MemberData(nameof(Titles))]
    public void A_client_of_a_server_that_says_why_sees_the_same_through_the_gate(string title)
    {
        SocketCase said = SocketCases.Of(title);
        Transcript direct = Say(said, servers.Stream.Direct);
        Assert.NotEmpty(direct.Received);
        AssertSame(direct, Say(said, servers.Stream.Gate));
    }

    /// <summary>Without a closing handshake, the end alone.</summary>
    [Theory]
    [InlineData(new byte[0])]
    [InlineData(new byte[] { 0x81, 0x85, 0x37 })]
    public void A_client_that_just_ends_sees_the_same_through_the_gate(byte[] half)
    {
        var said = new SocketCase("just ends", Cut.InTurn, Frame.Of(Frame.Text, "Hello"u8), half);
        AssertSame(Say(said, servers.Stream.Direct, fin: true), Say(said, servers.Stream.Gate, fin: true));
    }

    private static void AssertSame(Transcript direct, Transcript tunnelled)
    {
        Assert.Equal(direct.ToString(), tunnelled.ToString());
        Assert.Equal(direct.Received, tunnelled.Received);
    }

    private static Transcript Say(SocketCase said, int port, bool fin = false)
    {
        byte[] ask = Encoding.ASCII.GetBytes(Ask);
        byte[] all = [.. said.Frames.SelectMany(frame => frame)];
        using Wire client = Wire.Connect(port);
        client.Send(said.Cut == Cut.WithRequest ? [.. ask, .. all] : ask);
        string head = client.ReadHead();
        string received = "";
        IEnumerable<byte[]> packets = said.Cut switch
        {
            Cut.Frames or Cut.InTurn => said.Frames,
            Cut.Whole => [all],
            Cut.Bytes => all.Chunk(1),
            Cut.Odd => all.Chunk(OddBytes),
            _ => [],
        };
        foreach (byte[] packet in packets)
        {
            client.Send(packet);
            if (said.Cut == Cut.InTurn && packet != said.Frames[^1])
            {
                // Its echo, which is not masked.
                received += client.ReadExactly(packet.Length - MaskBytes);
            }
        }
        if (fin)
        {
            client.Fin();
        }
        received += client.ReadToEnd(out bool reset);
        return new Transcript(Accepted(head), received, reset);
    }

    /// <summary>What the switch itself says of the new protocol.</summary>
    private static string Accepted(string head) => string.Join("; ", head.Split("\r\n").Where(line =>
            line.StartsWith("HTTP/1.1 101", StringComparison.Ordinal)
            || line.StartsWith("Upgrade:", StringComparison.OrdinalIgnoreCase)
            || line.StartsWith("Sec-WebSocket-", StringComparison.OrdinalIgnoreCase))
        .Order(StringComparer.Ordinal));

    /// <summary>All that a client can see of a connection.</summary>
    private sealed record Transcript(string Head, string Received, bool Reset)
    {
        public override string ToString()
        {
            int from = Received.LastIndexOf('\u0088');
            string close = from < 0 ? "none" : Convert.ToHexString(Encoding.Latin1.GetBytes(Received[from..]));
            return $"{Head}; {Received.Length} bytes; close frame {close}; ended in {(Reset ? "RST" : "FIN")}";
        }
    }
}
