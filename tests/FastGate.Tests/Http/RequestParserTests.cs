using System.Text;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>Every case whole, split at every byte, and with the next message behind it.</summary>
public sealed class RequestParserTests
{
    private static readonly byte[] s_next = "GET /next HTTP/1.1\r\nHost: next\r\n\r\n"u8.ToArray();

    public static TheoryData<string> Titles => MessageCaseTitles.Of(MessageCases.Requests);

    [Theory]
    [MemberData(nameof(Titles))]
    public void Whole(string title)
    {
        MessageCase each = MessageCases.Of(MessageCases.Requests, title);
        var head = new RequestHead();
        Assert.Equal(each.Expected, Parse(each.Bytes, head));
        if (each.Expected == ParseStatus.Complete)
        {
            Assert.Equal(each.Bytes.Length, head.Length);
            Check(each, head, each.Bytes);
        }
    }

    /// <summary>Nobody is refused who is not refused whole, nobody is accepted earlier, and no byte is searched
    /// twice.</summary>
    [Theory]
    [MemberData(nameof(Titles))]
    public void Byte_by_byte(string title)
    {
        MessageCase each = MessageCases.Of(MessageCases.Requests, title);
        var head = new RequestHead();
        int scanned = 0;
        for (int length = 1; length <= each.Bytes.Length; length++)
        {
            ParseStatus status = RequestParser.Parse(
                each.Bytes.AsSpan(0, length), MessageCases.Limits, head, ref scanned);
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

    [Theory]
    [MemberData(nameof(Titles))]
    public void In_two_pieces(string title)
    {
        MessageCase each = MessageCases.Of(MessageCases.Requests, title);
        var head = new RequestHead();
        for (int first = 1; first < each.Bytes.Length; first++)
        {
            int scanned = 0;
            ParseStatus status = RequestParser.Parse(
                each.Bytes.AsSpan(0, first), MessageCases.Limits, head, ref scanned);
            if (status == ParseStatus.Incomplete)
            {
                status = RequestParser.Parse(each.Bytes, MessageCases.Limits, head, ref scanned);
            }
            Assert.Equal(each.Expected, status);
        }
    }

    [Theory]
    [MemberData(nameof(Titles))]
    public void With_the_next_one_behind_it(string title)
    {
        MessageCase each = MessageCases.Of(MessageCases.Requests, title);
        byte[] both = [.. each.Bytes, .. s_next];
        var head = new RequestHead();
        Assert.Equal(each.Expected, Parse(both, head));
        if (each.Expected == ParseStatus.Complete)
        {
            Assert.Equal(each.Bytes.Length, head.Length);
            Check(each, head, both);
            Assert.Equal(ParseStatus.Complete, Parse(both.AsSpan(head.Length), head));
            Assert.Equal("/next", Encoding.ASCII.GetString(head.Path.Of(s_next)));
        }
    }

    [Fact]
    public void It_allocates_nothing()
    {
        byte[][] good = [.. MessageCases.Requests.Select(each => each.Bytes)];
        var head = new RequestHead();
        long before = 0;
        for (int i = 0; i < 20; i++)
        {
            before = i == 10 ? GC.GetAllocatedBytesForCurrentThread() : before;
            foreach (byte[] bytes in good)
            {
                Parse(bytes, head);
            }
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static ParseStatus Parse(ReadOnlySpan<byte> bytes, RequestHead head)
    {
        int scanned = 0;
        return RequestParser.Parse(bytes, MessageCases.Limits, head, ref scanned);
    }

    private static void Check(MessageCase each, RequestHead head, byte[] bytes)
    {
        string Text(Slice slice) => Encoding.Latin1.GetString(slice.Of(bytes));
        foreach ((string key, string value) in each.Checks)
        {
            string actual = key switch
            {
                "method" => $"{head.Method}",
                "path" => Text(head.Path),
                "query" => Text(head.Query),
                "hasquery" => $"{head.HasQuery}",
                "authority" => Text(head.Authority),
                "form" => $"{head.Form}",
                "framing" => $"{head.Framing}",
                "length" => $"{head.ContentLength}",
                "keepalive" => $"{head.KeepAlive}",
                "minor" => $"{head.MinorVersion}",
                "expect" => $"{head.ExpectContinue}",
                "upgrade" => $"{head.Upgrade}",
                "maxforwards" => $"{head.MaxForwards}",
                _ => Field(head, bytes, key),
            };
            Assert.Equal($"{key}={value}", $"{key}={actual}");
        }
    }

    private static string Field(RequestHead head, byte[] bytes, string key)
    {
        Assert.StartsWith("field:", key, StringComparison.Ordinal);
        foreach (ref readonly Header header in head.Headers.Items)
        {
            if (Encoding.Latin1.GetString(header.Name.Of(bytes)).Equals(key[6..], StringComparison.OrdinalIgnoreCase))
            {
                return Encoding.Latin1.GetString(header.Value.Of(bytes));
            }
        }
        return "(no such field)";
    }
}
