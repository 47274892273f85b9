using System.Text;

namespace FastGate.EndToEnd.BadUpstreams;

/// <summary>An upstream that answers while the request's body is still on its way.</summary>
public sealed class EarlyAnswerTests
{
    private const string Refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";

    [Theory]
    [InlineData("Content-Length: 1000", "first")]
    [InlineData("Transfer-Encoding: chunked", "5\r\nfirst\r\n")]
    public void The_client_sees_it_and_both_connections_end(string framing, string first)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\n{framing}\r\n\r\n{first}");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.ReadExactly(first.Length);
        connection.Send(Refusal);
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 403 Forbidden\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nConnection: close\r\n", head, StringComparison.Ordinal);
        Assert.Equal("no", body);
        Assert.Equal("", connection.ReadToEnd(out _));
        client.AssertEnded();
        using Wire other = gate.Connect();
        using Wire next = Expect.Exchange(other, upstream);
        gate.Logs("403", "200");
    }

    /// <summary>A server that refuses an upload and closes resets the connection, for it leaves bytes unread: its answer
    /// is there all the same.</summary>
    [Fact]
    public void A_refusal_in_the_middle_of_a_large_upload_is_seen_even_if_the_server_closes_at_once()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\n");
        using (Wire connection = upstream.Accept())
        {
            connection.ReadHead();
            client.Send(new byte[64 * 1024]);
            connection.ReadExactly(1);
            connection.Send(Refusal);
        }
        byte[] block = new byte[64 * 1024];
        for (int i = 0; i < 1023 && client.TrySend(block); i++)
        {
        }
        string answer = client.ReadToEnd(out _);
        Assert.StartsWith("HTTP/1.1 403 Forbidden\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nno", answer, StringComparison.Ordinal);
        gate.Logs("403");
    }

    [Fact]
    public void A_long_answer_beside_a_long_upload_goes_on_to_its_end()
    {
        const int Bytes = 4 << 20;
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: {Bytes}\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send($"HTTP/1.1 200 OK\r\nContent-Length: {Bytes}\r\n\r\n");
        var echo = new Thread(() =>
        {
            for (int i = 0; i < Bytes; i += 64 * 1024)
            {
                connection.Send(Encoding.Latin1.GetBytes(connection.ReadExactly(64 * 1024)));
            }
        });
        echo.Start();
        var sender = new Thread(() => client.Send(new byte[Bytes]));
        sender.Start();
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", client.ReadHead(), StringComparison.Ordinal);
        Assert.Equal(Bytes, client.ReadExactly(Bytes).Length);
        Assert.True(echo.Join(Wire.BoundMs));
        Assert.True(sender.Join(Wire.BoundMs));
        gate.Logs("200");
    }
}
