using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>Requests that other projects test themselves with (gunicorn, llhttp): what they refuse is refused here, and
/// what they accept is accepted, but for the differences listed there.</summary>
public sealed class ForeignCaseTests
{
    [Fact]
    public void Requests_of_other_projects()
    {
        Assert.SkipUnless(ForeignCases.AreThere, ForeignCases.NotThere);
        var seen = new List<string>();
        foreach (ForeignCase each in ForeignCases.Read())
        {
            ParseStatus status = Read(each.Request);
            bool accepted = status == ParseStatus.Complete;
            if ((each.Expect == "reject" && accepted) || (each.Expect == "accept" && !accepted))
            {
                seen.Add($"{each.Name}: {status}");
            }
        }
        Assert.Equal(ForeignCases.Differences.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
    }

    /// <summary>All messages in the bytes, with their bodies: Complete, or the first rule that is broken.</summary>
    private static ParseStatus Read(byte[] bytes)
    {
        var head = new RequestHead();
        for (int at = 0; at < bytes.Length;)
        {
            int scanned = 0;
            ParseStatus status = RequestParser.Parse(
                bytes.AsSpan(at), new HeadLimits(32 * 1024, 100), head, ref scanned);
            if (status != ParseStatus.Complete)
            {
                return status;
            }
            at += head.Length;
            if (head.Framing == BodyFraming.Chunked)
            {
                ChunkedBytes body = ChunkedBytes.Decode(bytes[at..], int.MaxValue);
                if (body.Status != ParseStatus.Complete)
                {
                    return body.Status;
                }
                at += body.Consumed;
            }
            else if (bytes.Length - at < head.ContentLength)
            {
                return ParseStatus.Incomplete;
            }
            else
            {
                at += (int)head.ContentLength;
            }
            if (!head.KeepAlive || head.Upgrade || head.Method == Method.Connect)
            {
                // Nothing behind it is read as a request.
                return ParseStatus.Complete;
            }
        }
        return ParseStatus.Complete;
    }
}
