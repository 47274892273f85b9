using System.Net.WebSockets;
using System.Text;

namespace FastGate.EndToEnd.Upgrade;

/// <summary>Which requests ask an upstream to switch, and which of its answers are a switch.</summary>
public sealed class UpgradeRequestTests
{
    private const string Ask = "GET /ws HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n";

    /// <summary>What names no protocol that may be switched to is a plain request without Upgrade.</summary>
    [Theory]
    [InlineData("Upgrade: websocket\r\n")]
    [InlineData("Connection: keep-alive\r\nUpgrade: websocket\r\n")]
    [InlineData("Connection: upgrade\r\n")]
    [InlineData("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n")]
    [InlineData("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: websocket, H2C\r\nHTTP2-Settings: AAMAAABk\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: websocket\r\nUpgrade: h2c\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: h2c/1\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: h2c-14\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: \"h2c\"\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: h2\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade: TLS/1.0, HTTP/1.1\r\n")]
    [InlineData("Connection: Upgrade\r\nUpgrade:\r\n")]
    public void Without_a_protocol_to_switch_to_none_is_asked_for(string fields)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send($"GET /ws HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        using Wire connection = upstream.Accept();
        string head = connection.ReadHead();
        Assert.DoesNotContain("upgrade", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("h2c", head, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("HTTP2-Settings", head, StringComparison.OrdinalIgnoreCase);
        // Whoever switches all the same is no tunnel.
        connection.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n");
        client.Problem(502, "http_protocol_error");
        Assert.Equal("", connection.ReadToEnd(out _));
    }

    [Theory]
    [InlineData("Connection: upgrade\r\nUpgrade: h2c\r\n")]
    [InlineData("Connection: upgrade\r\nUpgrade: websocket, h2c\r\n")]
    [InlineData("Connection: upgrade\r\n")]
    [InlineData("Connection: upgrade\r\nUpgrade:\r\n")]
    [InlineData("Connection: upgrade\r\nUpgrade: websocket,\r\nUpgrade: ,\r\n")]
    [InlineData("Upgrade: websocket\r\n")]
    [InlineData("")]
    [InlineData("Connection: upgrade\r\nUpgrade: websocket\r\n", "1.0")]
    public void A_switch_to_what_was_not_asked_for_is_none(string fields, string version = "1.1")
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Ask + "\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send($"HTTP/{version} 101 Switching Protocols\r\n{fields}\r\nsmuggled");
        client.Problem(502, "http_protocol_error");
        Assert.Equal("", connection.ReadToEnd(out _));
        using Wire next = Expect.Exchange(client, upstream);
        gate.Logs("502 http_protocol_error", "200");
    }

    [Fact]
    public void One_of_several_protocols_may_be_switched_to_in_any_case()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("GET /ws HTTP/1.1\r\nHost: h\r\nConnection: x, UPGRADE\r\nUpgrade: a/1\r\nUpgrade: b, c/2\r\n\r\n");
        using Wire connection = upstream.Accept();
        Assert.Contains("\r\nConnection: upgrade\r\nUpgrade: a/1\r\nUpgrade: b, c/2\r\n", connection.ReadHead(),
            StringComparison.Ordinal);
        connection.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: C/2\r\n\r\n");
        Assert.Contains("\r\nUpgrade: C/2\r\n", client.ReadHead(), StringComparison.Ordinal);
        client.Send("there");
        Assert.Equal("there", connection.ReadExactly(5));
    }

    /// <summary>With its body and with what it asks for, and the connection goes on.</summary>
    [Theory]
    [InlineData("426 Upgrade Required")]
    [InlineData("400 Bad Request")]
    [InlineData("200 OK")]
    public void A_server_that_refuses_to_switch_is_heard(string status)
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send(Ask + "Sec-WebSocket-Version: 99\r\n\r\n");
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send($"HTTP/1.1 {status}\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            + "Sec-WebSocket-Version: 13, 8\r\nContent-Length: 6\r\n\r\nwanted");
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith($"HTTP/1.1 {status}\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nSec-WebSocket-Version: 13, 8\r\n", head, StringComparison.Ordinal);
        Assert.Equal("wanted", body);
        client.Send(Expect.Get);
        connection.ReadHead();
        connection.Send(Expect.Ok);
        client.Fine();
        gate.Logs(status[..3], "200");
    }

    [Fact]
    public void The_fields_of_web_sockets_pass_unchanged()
    {
        const string Asked = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSEC-WEBSOCKET-VERSION: 13\r\n"
            + "Sec-WebSocket-Protocol: chat.v2,  chat\r\nSec-WebSocket-Protocol: superchat\r\n"
            + "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-none;a=\"b, c\"\r\n"
            + "Origin: http://example.com\r\n";
        const string Answered = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            + "sec-websocket-protocol: chat\r\nSec-WebSocket-Extensions: permessage-deflate\r\n"
            + "Sec-WebSocket-Extensions: x-none;a=\"b, c\"\r\n";
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send($"{Ask}{Asked}\r\n");
        using Wire connection = upstream.Accept();
        Assert.Contains($"\r\n{Asked}", connection.ReadHead(), StringComparison.Ordinal);
        connection.Send("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
            + $"{Answered}\r\n");
        Assert.Contains($"\r\n{Answered}", client.ReadHead(), StringComparison.Ordinal);
    }

    /// <summary>Both ends of others agree through the gate on a protocol and on compression, and it is used.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Compressed_messages_arrive_and_are_as_small(bool keepsContext)
    {
        const int Length = 1 << 20;
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using (var client = new ClientWebSocket())
        {
            client.Options.AddSubProtocol("chat.v2");
            client.Options.AddSubProtocol("chat");
            client.Options.CollectHttpResponseDetails = true;
            client.Options.DangerousDeflateOptions = new WebSocketDeflateOptions
            {
                ClientContextTakeover = keepsContext,
                ServerContextTakeover = keepsContext,
            };
            await client.ConnectAsync(new Uri($"ws://127.0.0.1:{gate.Port}/ws/deflate"), Soon.Token);
            Assert.Equal("chat", client.SubProtocol);
            Assert.StartsWith("permessage-deflate",
                Assert.Single(client.HttpResponseHeaders!["Sec-WebSocket-Extensions"]), StringComparison.Ordinal);
            foreach (int length in (int[])[0, 1, 125, 126, 65_536, Length])
            {
                byte[] word = Encoding.ASCII.GetBytes("all work and no play makes a dull boy; ");
                byte[] sent = [.. Enumerable.Range(0, length).Select(i => word[i % word.Length])];
                Task sending = client.SendAsync(sent, WebSocketMessageType.Text, true, Soon.Token);
                Assert.Equal(sent, await TunnelTests.ReceiveAsync(client));
                await sending;
            }
            await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "done", Soon.Token);
            Assert.Equal("done", client.CloseStatusDescription);
        }
        gate.AwaitExchanges(1);
        Gateway.Stats.StatsTotals stats = gate.Gate.Stats.Sum();
        Assert.InRange(stats.BytesIn, 1, Length / 10);
        Assert.InRange(stats.BytesOut, 1, Length / 10);
    }
}
