using System.Net;
using System.Text;

namespace FastGate.EndToEnd.Forwarding;

/// <summary>The everyday exchanges between a client and a server that others wrote.</summary>
public sealed class KestrelFlowTests
{
    [Fact]
    public async Task Get()
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using HttpClient client = Soon.HttpClient(gate);
        using HttpResponseMessage answer = await client.GetAsync("/say/hello", Soon.Token);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal("hello", await answer.Content.ReadAsStringAsync(Soon.Token));
        Assert.Single(answer.Headers.GetValues("X-Request-Id"));
        Assert.Single(answer.Headers.GetValues("Date"));
        gate.Logs("200");
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(100_000)]
    [InlineData(5_000_000)]
    public async Task A_post_with_a_length_and_one_in_chunks(int bytes)
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using HttpClient client = Soon.HttpClient(gate);
        byte[] body = new byte[bytes];
        new Random(7).NextBytes(body);
        foreach (bool chunked in (bool[])[false, true])
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/echo");
            request.Content = new ByteArrayContent(body);
            request.Headers.TransferEncodingChunked = chunked;
            using HttpResponseMessage answer = await client.SendAsync(request, Soon.Token);
            Assert.Equal("POST", answer.Headers.GetValues("X-Method").Single());
            Assert.Equal(chunked, answer.Headers.Contains("X-Coding"));
            Assert.Equal(chunked, !answer.Headers.Contains("X-Length"));
            Assert.Equal(body, await answer.Content.ReadAsByteArrayAsync(Soon.Token));
        }
        Assert.Equal(1, upstream.Connections);
        gate.Logs("200", "200");
    }

    [Fact]
    public async Task Head_has_the_length_and_no_body()
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using HttpClient client = Soon.HttpClient(gate);
        for (int i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, "/echo");
            using HttpResponseMessage answer = await client.SendAsync(request, Soon.Token);
            Assert.Equal(12345, answer.Content.Headers.ContentLength);
            Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Soon.Token));
        }
        Assert.Equal(1, upstream.Connections);
        gate.Logs("200", "200");
    }

    [Theory]
    [InlineData(204)]
    [InlineData(304)]
    [InlineData(404)]
    [InlineData(503)]
    public async Task A_status_without_a_body(int status)
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using HttpClient client = Soon.HttpClient(gate);
        for (int i = 0; i < 2; i++)
        {
            using HttpResponseMessage answer = await client.GetAsync($"/status/{status}", Soon.Token);
            Assert.Equal(status, (int)answer.StatusCode);
            Assert.Equal("\"7\"", answer.Headers.ETag!.Tag);
            Assert.False(answer.Headers.Contains("Proxy-Status"));
            Assert.Empty(await answer.Content.ReadAsByteArrayAsync(Soon.Token));
        }
        Assert.Equal(1, upstream.Connections);
        gate.Logs($"{status}", $"{status}");
    }

    [Fact]
    public async Task An_answer_in_chunks()
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using HttpClient client = Soon.HttpClient(gate);
        for (int i = 0; i < 2; i++)
        {
            using HttpResponseMessage answer = await client.GetAsync("/pieces/260", Soon.Token);
            Assert.True(answer.Headers.TransferEncodingChunked);
            Assert.Equal(
                string.Concat(Enumerable.Range(0, 260).Select(piece => new string((char)('a' + (piece % 26)), 1000))),
                await answer.Content.ReadAsStringAsync(Soon.Token));
        }
        Assert.Equal(1, upstream.Connections);
        gate.Logs("200", "200");
    }

    [Fact]
    public async Task Trailers_of_a_request()
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using Wire client = gate.Connect();
        client.Send("POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            + "5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n");
        (string head, string body) = client.ReadMessage();
        Assert.Contains("\r\nX-Trailer: 42\r\n", head, StringComparison.Ordinal);
        Assert.Equal("hello", body);
        gate.Logs("200");
    }

    [Fact]
    public async Task Trailers_of_an_answer()
    {
        using var upstream = new HandUpstream();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using HttpClient client = Soon.HttpClient(gate);
        Task<HttpResponseMessage> asking = client.GetAsync("/a", Soon.Token);
        using Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
            + "5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n");
        using HttpResponseMessage answer = await asking;
        Assert.Equal("hello", await answer.Content.ReadAsStringAsync(Soon.Token));
        Assert.Equal("42", answer.TrailingHeaders.GetValues("X-Sum").Single());
        gate.Logs("200");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_body_that_waits_for_100_continue(bool chunked)
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address));
        using HttpClient client = Soon.HttpClient(gate);
        for (int i = 0; i < 2; i++)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, "/echo");
            request.Content = new StringContent("hello", Encoding.ASCII);
            request.Headers.ExpectContinue = true;
            request.Headers.TransferEncodingChunked = chunked;
            using HttpResponseMessage answer = await client.SendAsync(request, Soon.Token);
            Assert.Equal("hello", await answer.Content.ReadAsStringAsync(Soon.Token));
        }
        Assert.Equal(1, upstream.Connections);
        gate.Logs("200", "200");
    }

    [Fact]
    public async Task Many_clients_at_once()
    {
        await using KestrelUpstream upstream = await KestrelUpstream.StartAsync();
        using var gate = new GateOnLoopback(GateOnLoopback.To(upstream.Address), lanes: 2);
        using HttpClient client = Soon.HttpClient(gate, connections: 32);
        string[] words = await Task.WhenAll(Enumerable.Range(0, 500)
            .Select(i => client.GetStringAsync($"/say/{i}", Soon.Token)));
        Assert.Equal(Enumerable.Range(0, 500).Select(i => $"{i}"), words);
        gate.Logs([.. Enumerable.Repeat("200", 500)]);
    }
}
