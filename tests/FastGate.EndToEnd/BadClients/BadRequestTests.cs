using System.Text;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.BadClients;

/// <summary>Every rule that a request can break, over a real connection: the client sees the status and why, the
/// connection ends in a FIN, and no upstream hears of it.</summary>
public sealed class BadRequestTests : IDisposable
{
    /// <summary>What a request that is read wrongly would let through.</summary>
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
    private static readonly IReadOnlyList<MessageCase> s_heads = Broken(MessageCases.Requests);
    private static readonly IReadOnlyList<MessageCase> s_chunks = Broken(MessageCases.Chunks);

    private readonly HandUpstream _upstream = new();
    private readonly GateOnLoopback _gate;

    public BadRequestTests() => _gate = new GateOnLoopback(GateOnLoopback.To(_upstream.Address, rest: $"""
        [client]
        head_bytes_max = "{MessageCases.Limits.HeadBytesMax}B"
        headers_max = {MessageCases.Limits.HeadersMax}
        """));

    public static TheoryData<string> Heads => MessageCaseTitles.Of(s_heads);

    public static TheoryData<string> Chunks => MessageCaseTitles.Of(s_chunks);

    public void Dispose()
    {
        _gate.Dispose();
        _upstream.Dispose();
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void A_head_is_refused(string title)
    {
        MessageCase bad = MessageCases.Of(s_heads, title);
        using Wire client = _gate.Connect();
        client.Send([.. bad.Bytes, .. Encoding.ASCII.GetBytes(Smuggled)]);
        Refused(client, bad.Expected);
        Assert.False(_upstream.HasPending);
    }

    [Theory]
    [MemberData(nameof(Heads))]
    public void Behind_a_good_request_it_is_refused_and_the_good_one_answered(string title)
    {
        MessageCase bad = MessageCases.Of(s_heads, title);
        using Wire client = _gate.Connect();
        client.Send([.. Encoding.ASCII.GetBytes(Expect.Get), .. bad.Bytes, .. Encoding.ASCII.GetBytes(Smuggled)]);
        using Wire connection = _upstream.Accept();
        connection.ReadHead();
        connection.Send(Expect.Ok);
        client.Fine();
        Refused(client, bad.Expected);
        Assert.Equal(0, connection.Socket.Available);
        Assert.False(_upstream.HasPending);
    }

    /// <summary>Byte by byte as packets of their own: the refusal may come before the last of them.</summary>
    [Theory]
    [MemberData(nameof(Heads))]
    public void In_many_pieces_it_is_refused(string title)
    {
        MessageCase bad = MessageCases.Of(s_heads, title);
        using Wire client = _gate.Connect();
        for (int i = 0; i < bad.Bytes.Length && client.TrySend(bad.Bytes.AsSpan(i, 1)); i++)
        {
        }
        client.TrySend("\r\n\r\n"u8);
        Refused(client, bad.Expected);
        Assert.False(_upstream.HasPending);
    }

    /// <summary>Its head was good and may have been forwarded; its end never is.</summary>
    [Theory]
    [MemberData(nameof(Chunks))]
    public void A_chunked_body_is_refused(string title)
    {
        MessageCase bad = MessageCases.Of(s_chunks, title);
        using Wire client = _gate.Connect();
        client.Send("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
        using Wire connection = _upstream.Accept();
        connection.ReadHead();
        client.Send([.. bad.Bytes, .. Encoding.ASCII.GetBytes(Smuggled)]);
        Refused(client, bad.Expected);
        string seen = connection.ReadToEnd(out _);
        Assert.DoesNotContain("smuggled", seen, StringComparison.Ordinal);
        Assert.False(seen == "0\r\n\r\n" || seen.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal), seen);
    }

    private static List<MessageCase> Broken(IReadOnlyList<MessageCase> cases) =>
        [.. cases.Where(each => each.Expected is not (ParseStatus.Complete or ParseStatus.Incomplete))];

    private static void Refused(Wire client, ParseStatus rule)
    {
        int status = rule.StatusCode();
        client.Problem(status, status switch
        {
            414 => "target_too_long",
            417 => "expectation_failed",
            431 => "head_too_large",
            501 => "not_implemented",
            505 => "version_not_supported",
            _ => "bad_request",
        }, out string head);
        Assert.Contains("\r\nConnection: close\r\n", head, StringComparison.Ordinal);
        Assert.Equal("", client.ReadToEnd(out bool reset));
        Assert.False(reset, "the connection was reset");
    }
}
