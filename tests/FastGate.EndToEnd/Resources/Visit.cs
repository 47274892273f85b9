using System.Net.Sockets;

namespace FastGate.EndToEnd.Resources;

/// <summary>How far an exchange has come when one side breaks it off.</summary>
public enum Phase
{
    BeforeAByte,
    InTheHead,
    AfterTheHead,
    InTheBody,
    WhileTheUpstreamWorks,
    InTheAnswersHead,
    WhileTheAnswerStreams,
    InAChunk,
    InATunnel,
}

/// <summary>How a side breaks it off.</summary>
public enum Ending
{
    /// <summary>A FIN, and it reads on.</summary>
    HalfClose,
    /// <summary>A FIN, and nobody reads what comes.</summary>
    Close,
    Reset,
}

/// <summary>One visit of a client that ends in the middle: one side ends, the other sees what it sees, and both
/// go.</summary>
internal static class Visit
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    private const string Post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n";
    private const string Upgrade = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
    private const string Switched = "HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n";
    private const string Length = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 10\r\n\r\n";
    private const string Chunked = "HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n";
    private static readonly byte[] s_much = new byte[4 << 20];

    public static IEnumerable<Phase> OfTheClient => Enum.GetValues<Phase>();

    /// <summary>The upstream takes no part before.</summary>
    public static IEnumerable<Phase> OfTheUpstream => Enum.GetValues<Phase>().Where(phase => phase >= Phase.AfterTheHead);

    /// <summary>Every way to break off, on either side.</summary>
    public static void All(int port, HandUpstream upstream)
    {
        foreach (Ending ending in Enum.GetValues<Ending>())
        {
            foreach (Phase phase in OfTheClient)
            {
                ByTheClient(port, upstream, phase, ending);
            }
            foreach (Phase phase in OfTheUpstream)
            {
                ByTheUpstream(port, upstream, phase, ending);
            }
        }
    }

    public static void ByTheClient(int port, HandUpstream upstream, Phase phase, Ending ending)
    {
        using Wire client = Wire.Connect(port);
        using Wire? server = Reach(client, upstream, phase);
        End(client, ending);
        if (ending == Ending.Reset)
        {
            server?.ReadToEnd(out _);
            return;
        }
        // Who asked for something may end his side and gets it all the same; half a body is nothing.
        server?.TrySend(System.Text.Encoding.ASCII.GetBytes(phase switch
        {
            Phase.WhileTheUpstreamWorks => Length + "0123456789",
            Phase.InTheAnswersHead => Length[15..] + "0123456789",
            Phase.WhileTheAnswerStreams => "456789",
            Phase.InAChunk => "56789\r\n0\r\n\r\n",
            _ => "",
        }));
        if (phase == Phase.InATunnel)
        {
            Assert.Equal("", server!.ReadToEnd(out _));
            server.Fin();
        }
        if (ending == Ending.HalfClose)
        {
            string rest = client.ReadToEnd(out bool broken);
            if (phase is Phase.WhileTheUpstreamWorks or Phase.InTheAnswersHead or Phase.WhileTheAnswerStreams)
            {
                Assert.EndsWith("456789", rest, StringComparison.Ordinal);
                Assert.False(broken);
            }
        }
        server?.ReadToEnd(out _);
    }

    public static void ByTheUpstream(int port, HandUpstream upstream, Phase phase, Ending ending)
    {
        using Wire client = Wire.Connect(port);
        using Wire server = Reach(client, upstream, phase)!;
        End(server, ending);
        if (phase == Phase.InATunnel && ending != Ending.Reset)
        {
            Assert.Equal("", client.ReadToEnd(out _));
            client.Fin();
        }
        else if (phase < Phase.WhileTheAnswerStreams)
        {
            client.ReadHead();
        }
        client.ReadToEnd(out _);
        if (ending == Ending.HalfClose)
        {
            // It reads on, and is not left waiting.
            server.ReadToEnd(out _);
        }
    }

    /// <summary>A client that asks for much and takes nothing of it.</summary>
    public static (Wire Client, Wire Server) WithoutReading(int port, HandUpstream upstream)
    {
        Wire client = Wire.Connect(port, receiveBuffer: 4096);
        client.Send(Get);
        Wire server = upstream.Accept();
        server.ReadHead();
        server.Send("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1000000000\r\n\r\n");
        server.Socket.Blocking = false;
        while (server.Socket.Send(s_much, 0, s_much.Length, SocketFlags.None, out SocketError error) > 0
            && error == SocketError.Success)
        {
        }
        return (client, server);
    }

    private static void End(Wire side, Ending ending)
    {
        switch (ending)
        {
            case Ending.HalfClose:
                side.Fin();
                break;
            case Ending.Close:
                side.Dispose();
                break;
            default:
                side.Reset();
                break;
        }
    }

    /// <returns>The upstream's end; null where it takes no part yet.</returns>
    private static Wire? Reach(Wire client, HandUpstream upstream, Phase phase)
    {
        client.Send(phase switch
        {
            Phase.BeforeAByte => "",
            Phase.InTheHead => "GET /a HT",
            Phase.AfterTheHead or Phase.InTheBody => Post,
            Phase.InATunnel => Upgrade,
            _ => Get,
        });
        if (phase < Phase.AfterTheHead)
        {
            return null;
        }
        Wire server = upstream.Accept();
        server.ReadHead();
        switch (phase)
        {
            case Phase.InTheBody:
                client.Send("half");
                server.ReadExactly(4);
                break;
            case Phase.InTheAnswersHead:
                server.Send(Length[..15]);
                break;
            case Phase.WhileTheAnswerStreams:
                server.Send(Length + "0123");
                client.ReadHead();
                client.ReadExactly(4);
                break;
            case Phase.InAChunk:
                server.Send(Chunked + "a\r\n01234");
                client.ReadHead();
                client.ReadExactly("5\r\n01234\r\n".Length);
                break;
            case Phase.InATunnel:
                server.Send(Switched + "down");
                client.ReadHead();
                client.ReadExactly(4);
                client.Send("up");
                server.ReadExactly(2);
                break;
        }
        return server;
    }
}
