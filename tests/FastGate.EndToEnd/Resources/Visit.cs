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

/// <summary>One visit of a client that ends in the middle: one side sends its FIN or a reset, the other sees what it
/// sees, and both go.</summary>
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
        foreach (bool reset in (bool[])[false, true])
        {
            foreach (Phase phase in OfTheClient)
            {
                ByTheClient(port, upstream, phase, reset);
            }
            foreach (Phase phase in OfTheUpstream)
            {
                ByTheUpstream(port, upstream, phase, reset);
            }
        }
    }

    public static void ByTheClient(int port, HandUpstream upstream, Phase phase, bool reset)
    {
        using Wire client = Wire.Connect(port);
        using Wire? server = Reach(client, upstream, phase);
        if (reset)
        {
            client.Reset();
            server?.ReadToEnd(out _);
            return;
        }
        client.Fin();
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
        string rest = client.ReadToEnd(out bool broken);
        if (phase is Phase.WhileTheUpstreamWorks or Phase.InTheAnswersHead or Phase.WhileTheAnswerStreams)
        {
            Assert.EndsWith("456789", rest, StringComparison.Ordinal);
            Assert.False(broken);
        }
        server?.ReadToEnd(out _);
    }

    public static void ByTheUpstream(int port, HandUpstream upstream, Phase phase, bool reset)
    {
        using Wire client = Wire.Connect(port);
        using Wire server = Reach(client, upstream, phase)!;
        if (reset)
        {
            server.Reset();
        }
        else
        {
            server.Dispose();
        }
        if (phase == Phase.InATunnel && !reset)
        {
            Assert.Equal("", client.ReadToEnd(out _));
            client.Fin();
        }
        else if (phase < Phase.WhileTheAnswerStreams)
        {
            client.ReadHead();
        }
        client.ReadToEnd(out _);
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
