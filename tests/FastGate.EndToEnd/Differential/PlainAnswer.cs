using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Differential;

/// <summary>An answer of an upstream as the obvious twins of the parsers read it, and what must come of it.</summary>
internal sealed class PlainAnswer
{
    private const int InterimMax = 32;

    /// <summary>Of those with one value the first passes.</summary>
    private static readonly string[] s_singletons =
        ["content-type", "location", "date", "etag", "last-modified", "age", "expires", "retry-after"];

    private readonly string _status;
    private readonly string _reason;
    private readonly string[][] _fields;
    private readonly string _body;
    private readonly string[][] _trailers;

    private PlainAnswer(PlainParser head, string line, string body, string trailers)
    {
        _status = head.Start;
        _reason = line.Length > 13 ? line[13..] : "";
        _fields = PlainFields.Read(head.Fields);
        _body = body;
        _trailers = PlainFields.Read(trailers);
        string[] options = [.. PlainFields.Values(_fields, "Connection").SelectMany(value => value.Split(',')).Select(
            option => option.Trim(' ', '\t').ToLowerInvariant())];
        // Who promises content with 204 or 205 will perhaps send it; 205 must say that there is none.
        string[] lengths = PlainFields.Values(_fields, "Content-Length");
        bool coded = PlainFields.Values(_fields, "Transfer-Encoding").Length > 0;
        bool promises = (_status is "204" or "205" && (coded || lengths.Any(length => length.Trim('0').Length > 0)))
            || (_status == "205" && lengths.Length == 0);
        KeepsConnection = !options.Contains("close") && !promises
            && (line.StartsWith("HTTP/1.1", StringComparison.Ordinal) || options.Contains("keep-alive"));
    }

    /// <summary>Another request may go over its connection: it wants that, and nothing stands behind it.</summary>
    public bool KeepsConnection { get; private set; }

    /// <summary>Interim answers before it.</summary>
    public int Interims { get; private init; }

    /// <summary>The final answer in what an upstream sends; null when it is not whole, or broken.</summary>
    public static PlainAnswer? Of(AnswerInput input)
    {
        string text = input.Text;
        for (int interims = 0; ; interims++)
        {
            if (PlainParser.Response(text) is not { } head || head.Start == "101")
            {
                return null;
            }
            if (head.Start[0] != '1')
            {
                return Of(input, head, text, interims);
            }
            if (interims == InterimMax)
            {
                return null;
            }
            text = text[head.Bytes..];
        }
    }

    private static PlainAnswer? Of(AnswerInput input, PlainParser head, string text, int interims)
    {
        string line = text.Split("\r\n")[0];
        string rest = text[head.Bytes..];
        string trailers = "";
        int length = 0;
        switch (input.Asker == Asker.Head ? BodyFraming.None : head.Framing)
        {
            case BodyFraming.Length when rest.Length < head.Length:
                return null;
            case BodyFraming.Length:
                length = (int)head.Length;
                break;
            case BodyFraming.Chunked:
                if (PlainChunks.Read(rest) is not { } chunks)
                {
                    return null;
                }
                return new PlainAnswer(head, line, chunks.Data, chunks.Trailers) { Interims = interims }
                    .Before(rest[chunks.Bytes..]);
            case BodyFraming.UntilClose when input.Afterwards == Afterwards.Resets:
                return null;
            case BodyFraming.UntilClose:
                return new PlainAnswer(head, line, rest, trailers) { Interims = interims }.Before("the end");
        }
        return new PlainAnswer(head, line, rest[..length], trailers) { Interims = interims }.Before(rest[length..]);
    }

    /// <summary>Asserts that this is what the client got.</summary>
    public void AssertReceivedAs(Reading seen, string bytes)
    {
        void Demand(bool good, string why) => StrictReader.Demand(good, why, bytes);
        Demand(_reason.Length > 0 ? seen.Start == $"{_status} {_reason}" : seen.Start.StartsWith(_status + " ",
            StringComparison.Ordinal), "another status came");
        Demand(_body == seen.Body, "another body came");
        bool dated = PlainFields.Values(_fields, "Date").Length > 0;
        string[][] fields = [.. _fields.Where((field, i) => !s_singletons.Contains(field[0].ToLowerInvariant())
            || !_fields.Take(i).Any(other => other[0].Equals(field[0], StringComparison.OrdinalIgnoreCase)))];
        bool empty = _status == "205";
        Demand(!empty || PlainFields.Values(seen.Fields, "Content-Length") is ["0"], "205 is not framed as empty");
        PlainFields.AssertPassed(fields,
            seen.Without("Transfer-Encoding", "Connection", "X-Request-Id", dated ? "" : "Date",
                empty ? "Content-Length" : "").Fields,
            name => PlainFields.HopByHop.Contains(name) || name == "x-request-id"
                || (name == "content-length" && _status is "204" or "205"), Demand);
        // To HTTP/1.0 there are none.
        Demand(seen.Trailers.Length == 0 || seen.Has("Transfer-Encoding"), "trailers of nothing");
        if (seen.Has("Transfer-Encoding"))
        {
            PlainFields.AssertTrailersPassed(_fields, _trailers, seen.Trailers, _ => false, Demand);
        }
    }

    private PlainAnswer Before(string behind)
    {
        KeepsConnection &= behind.Length == 0;
        return this;
    }
}
