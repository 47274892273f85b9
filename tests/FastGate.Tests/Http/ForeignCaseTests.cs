using System.Text;
using System.Text.Json;
using FastGate.Http;
using FastGate.Tests.Architecture;

namespace FastGate.Tests.Http;

/// <summary>Requests that other projects test themselves with (gunicorn, llhttp): what they refuse is refused here, and
/// what they accept is accepted, but for the differences below.</summary>
public sealed class ForeignCaseTests
{
    /// <summary>What is read differently by intent, with what came of it.</summary>
    private static readonly string[] s_differences =
    [
        // Only the first request of the case was given a Host.
        "gunicorn-valid 018: HostMissing",
        "gunicorn-valid 022: HostMissing",
        "gunicorn-valid 023: HostMissing",
        "llhttp connection#2: HostMissing",
        "llhttp pipelining#1: HostMissing",
        // A fragment, a backslash and bytes above 0x7F are no part of a target (RFC 9112 section 3.2).
        "gunicorn-valid 005: TargetByte",
        "gunicorn-valid 027: TargetByte",
        "llhttp transfer-encoding#20: TargetByte",
        "llhttp transfer-encoding#21: TargetByte",
        "llhttp uri#1: TargetByte",
        "llhttp uri#8: TargetByte",
        // Credentials in a target are refused (RFC 9110 section 4.2.4).
        "gunicorn-valid rfc9112_target_absolute_userinfo_01: TargetUserInfo",
        "llhttp uri#10: TargetUserInfo",
        // Codings other than chunked, and two fields for them, are refused: they are the stuff of smuggling.
        "gunicorn-valid 025: TransferEncodingDuplicate",
        "gunicorn-valid 025_line: TransferEncodingUnknown",
        "gunicorn-valid 029: TransferEncodingDuplicate",
        "gunicorn-valid 030: TransferEncodingDuplicate",
        "gunicorn-valid rfc9112_smuggle_gzip_chunked_01: TransferEncodingUnknown",
        "gunicorn-valid rfc9112_smuggle_te_identity_chunked_01: TransferEncodingUnknown",
        // The body is longer than the case, or an empty line follows that could begin the next request.
        "gunicorn-valid 099: Incomplete",
        "llhttp content-length#16: Incomplete",
        "llhttp uri#3: Incomplete",
        // Any token is a method.
        "gunicorn-invalid 003c: Complete",
        // Smaller limits of another server.
        "gunicorn-invalid 006: Complete",
        "gunicorn-invalid 007: Complete",
        "gunicorn-invalid 008: Complete",
        // What follows the last request of a connection is not read at all.
        "llhttp connection#3: Complete",
    ];

    [Fact]
    public void Requests_of_other_projects()
    {
        string path = Path.Combine(SourceTree.Root, "..", "shared", "cases", "http1-requests.json");
        Assert.SkipUnless(File.Exists(path), "the request cases of other projects are not beside the repository");
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(path));
        var seen = new List<string>();
        foreach (JsonElement each in cases.RootElement.EnumerateArray())
        {
            string name = $"{each.GetProperty("source").GetString()} {each.GetProperty("id").GetString()}";
            ParseStatus status = Read(Encoding.Latin1.GetBytes(each.GetProperty("request").GetString()!));
            bool accepted = status == ParseStatus.Complete;
            string expect = each.GetProperty("expect").GetString()!;
            if ((expect == "reject" && accepted) || (expect == "accept" && !accepted))
            {
                seen.Add($"{name}: {status}");
            }
        }
        Assert.Equal(s_differences.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
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
