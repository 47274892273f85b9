using System.Text;
using FastGate.Gateway.Routing;
using FastGate.Http;

namespace FastGate.Gateway.Proxy;

/// <summary>The rule that a message broke, as the access log names it: a <see cref="ParseStatus"/> or a
/// <see cref="PathRule"/> by its name, or one of those that a configuration makes.</summary>
internal static class RuleWords
{
    private static readonly byte[][] s_syntax = [.. Enum.GetNames<ParseStatus>().Select(Encoding.ASCII.GetBytes)];
    private static readonly byte[][] s_path = [.. Enum.GetNames<PathRule>().Select(Encoding.ASCII.GetBytes)];

    /// <summary>The key that refuses or, where the name would frame the message, does not let pass.</summary>
    public static readonly byte[] UnderscoreHeaders = "underscore_headers"u8.ToArray();

    /// <summary>The key that the route does not have.</summary>
    public static readonly byte[] EncodedSlash = "encoded_slash"u8.ToArray();

    /// <summary>The path has another route for servers that take off parameters or decode escapes.</summary>
    public static readonly byte[] AnotherRoute = "AnotherRoute"u8.ToArray();

    /// <summary>Null for a status that is no rule.</summary>
    public static byte[]? Of(ParseStatus status) => status > ParseStatus.Complete ? s_syntax[(int)status] : null;

    /// <summary>Whether it is a bound that the configuration sets, which a message keeps to elsewhere.</summary>
    public static bool IsLimit(byte[]? rule) =>
        rule == Of(ParseStatus.HeadTooLarge) || rule == Of(ParseStatus.TooManyHeaders);

    public static byte[] Of(PathRule rule) => s_path[(int)rule];
}
