using System.Text.Json;

namespace FastGate.Tests.Proxy;

/// <summary>Which rule a message broke stands in the access log.</summary>
public sealed class BrokenRuleTests : IDisposable
{
    private const string Chunked = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", "400 bad_request HostDuplicate")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nExpect: x\r\n\r\n", "417 expectation_failed ExpectationUnknown")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\n\r\n", "431 head_too_large TooManyHeaders")]
    [InlineData("GET /../a HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_request AboveRoot")]
    [InlineData("GET /a%2Fb HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_request encoded_slash")]
    [InlineData("GET /admin;x HTTP/1.1\r\nHost: h\r\n\r\n", "400 bad_request AnotherRoute")]
    [InlineData("GET / HTTP/1.1\r\nHost: h\r\nA_B: 1\r\n\r\n", "400 bad_request underscore_headers")]
    [InlineData(Chunked + "x\r\n", "400 bad_request ChunkSizeMalformed")]
    [InlineData(Chunked + "0\r\nA_B: 1\r\n\r\n", "400 bad_request underscore_headers")]
    [InlineData(Chunked + "0\r\nA B: 1\r\n\r\n", "400 bad_request NameNotToken")]
    [InlineData(Chunked + "0\r\nA: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\n\r\n", "431 head_too_large TooManyHeaders")]
    [InlineData("GET /admin HTTP/1.1\r\nHost: h\r\n\r\n", "403")]
    [InlineData("CONNECT h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "405 method_not_allowed")]
    public void Of_a_request(string request, string logged)
    {
        using (GateInMemory gate = Logging())
        {
            Peer client = gate.Connect();
            client.Send(request);
            Assert.StartsWith($"HTTP/1.1 {logged[..3]} ", client.Received, StringComparison.Ordinal);
            client.End();
        }
        Assert.Equal(logged, Logged());
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "502 http_protocol_error LengthDuplicate")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "200 http_protocol_error ChunkSizeMalformed")]
    [InlineData("HTTP/1.1 101 S\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n", "502 http_protocol_error")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "200")]
    public void Of_an_answer(string answer, string logged)
    {
        using (GateInMemory gate = Logging())
        {
            Peer client = gate.Connect();
            client.Send("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
            gate.Upstream[0].Send(answer);
            client.End();
        }
        Assert.Equal(logged, Logged());
    }

    private GateInMemory Logging() => GateInMemory.With(
        client: "headers_max = 4\nunderscore_headers = \"refuse\"",
        log: $"to = \"{_path}\"",
        routes: """
            [[route]]
            name = "admin"
            match = "/admin/*"
            respond = { status = 403 }
            """);

    private string Logged()
    {
        using JsonDocument line = JsonDocument.Parse(Assert.Single(File.ReadAllLines(_path)));
        return string.Join(' ', ((string[])["http.response.status_code", "reason", "rule"])
            .Where(name => line.RootElement.TryGetProperty(name, out _))
            .Select(name => line.RootElement.GetProperty(name).ToString()));
    }
}
