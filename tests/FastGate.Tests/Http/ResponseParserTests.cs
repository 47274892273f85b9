using System.Text;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>Every case whole, split at every byte, and with more behind it.</summary>
public sealed class ResponseParserTests
{
    public static TheoryData<string> Titles => MessageCaseTitles.Of(MessageCases.Responses);

    [Theory]
    [MemberData(nameof(Titles))]
    public void Whole_and_with_more_behind_it(string title)
    {
        MessageCase each = MessageCases.Of(MessageCases.Responses, title);
        foreach (byte[] bytes in (byte[][])[each.Bytes, [.. each.Bytes, .. "HTTP/1.1 500 No\r\n\r\n"u8]])
        {
            var head = new ResponseHead();
            int scanned = 0;
            Assert.Equal(each.Expected, Parse(each, bytes, head, ref scanned));
            if (each.Expected == ParseStatus.Complete)
            {
                Assert.Equal(each.Bytes.Length, head.Length);
                Check(each, head, bytes);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Titles))]
    public void Byte_by_byte(string title)
    {
        MessageCase each = MessageCases.Of(MessageCases.Responses, title);
        var head = new ResponseHead();
        int scanned = 0;
        for (int length = 1; length <= each.Bytes.Length; length++)
        {
            ParseStatus status = Parse(each, each.Bytes.AsSpan(0, length), head, ref scanned);
            if (status == ParseStatus.Incomplete)
            {
                Assert.InRange(scanned, length - 1, length);
                continue;
            }
            Assert.Equal(each.Expected, status);
            if (status == ParseStatus.Complete)
            {
                Assert.Equal(each.Bytes.Length, length);
                Check(each, head, each.Bytes);
            }
            return;
        }
        Assert.Fail("it waits for more");
    }

    [Fact]
    public void It_allocates_nothing()
    {
        var head = new ResponseHead();
        long before = 0;
        for (int i = 0; i < 20; i++)
        {
            before = i == 10 ? GC.GetAllocatedBytesForCurrentThread() : before;
            for (int n = 0; n < MessageCases.Responses.Count; n++)
            {
                int scanned = 0;
                Parse(MessageCases.Responses[n], MessageCases.Responses[n].Bytes, head, ref scanned);
            }
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    /// <summary>1xx and 204 have no length (RFC 9110 section 8.6), that of 205 is the writer's, and no client must wait
    /// for it.</summary>
    [Theory]
    [InlineData(103, 0)]
    [InlineData(205, 0)]
    [InlineData(205, 5)]
    [InlineData(204, 0)]
    [InlineData(204, 5)]
    public void A_length_that_must_not_be_there_is_not_passed_on(int status, int length)
    {
        byte[] bytes = Encoding.ASCII.GetBytes($"HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nA: b\r\n\r\n");
        var head = new ResponseHead();
        int scanned = 0;
        Assert.Equal(ParseStatus.Complete,
            ResponseParser.Parse(bytes, MessageCases.Limits, answersHead: false, head, ref scanned));
        Assert.Equal(BodyFraming.None, head.Framing);
        Assert.Equal(HeaderFlags.HopByHop, head.Headers[0].Flags);
        Assert.Equal(HeaderFlags.None, head.Headers[1].Flags);
    }

    private static ParseStatus Parse(MessageCase each, ReadOnlySpan<byte> bytes, ResponseHead head, ref int scanned) =>
        ResponseParser.Parse(bytes, MessageCases.Limits,
            each.Title.Contains(": HEAD ", StringComparison.Ordinal), head, ref scanned);

    private static void Check(MessageCase each, ResponseHead head, byte[] bytes)
    {
        foreach ((string key, string value) in each.Checks)
        {
            string actual = key switch
            {
                "status" => $"{head.Status}",
                "reason" => Encoding.Latin1.GetString(head.Reason.Of(bytes)),
                "framing" => $"{head.Framing}",
                "length" => $"{head.ContentLength}",
                "keepalive" => $"{head.KeepAlive}",
                "keepalivetimeout" => $"{head.KeepAliveTimeout}",
                "minor" => $"{head.MinorVersion}",
                "upgrade" => $"{head.Upgrade}",
                _ => throw new InvalidOperationException(key),
            };
            Assert.Equal($"{key}={value}", $"{key}={actual}");
        }
    }
}
