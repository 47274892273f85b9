using System.Text;
using System.Text.Json;
using FastGate.Tests.Architecture;

namespace FastGate.Tests.Http;

/// <summary>A request, or a few, that another project tests itself with.</summary>
/// <param name="Name">The project and its name for the case.</param>
/// <param name="Expect"><c>accept</c>, <c>reject</c>, or <c>any</c> where it is a matter of policy.</param>
/// <param name="Request">The exact bytes.</param>
internal sealed record ForeignCase(string Name, string Expect, byte[] Request);

/// <summary>The cases of gunicorn and llhttp, which lie beside the repository where they are at all.</summary>
internal static class ForeignCases
{
    public const string NotThere = "the request cases of other projects are not beside the repository";

    private static readonly string s_path =
        Path.Combine(SourceTree.Root, "..", "shared", "cases", "http1-requests.json");

    /// <summary>What is read differently by intent, with what came of it.</summary>
    public static readonly string[] Differences =
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

    public static bool AreThere => File.Exists(s_path);

    public static IReadOnlyList<ForeignCase> Read()
    {
        using JsonDocument cases = JsonDocument.Parse(File.ReadAllBytes(s_path));
        return
        [
            .. cases.RootElement.EnumerateArray().Select(each => new ForeignCase(
                $"{each.GetProperty("source").GetString()} {each.GetProperty("id").GetString()}",
                each.GetProperty("expect").GetString()!,
                Encoding.Latin1.GetBytes(each.GetProperty("request").GetString()!)))
        ];
    }
}
