using FastGate.Gateway.Upstreams;

namespace FastGate.Cli;

/// <summary>The value of `--to`: what people have at hand is a URL, what an upstream has is an address.</summary>
internal static class ForwardTarget
{
    private const string Http = "http://";

    public static bool TryParse(string text, out ServerAddress? server, out string error)
    {
        server = null;
        if (text.StartsWith("https://", StringComparison.OrdinalIgnoreCase))
        {
            error = "https is not available yet; write http://HOST:PORT";
            return false;
        }
        var address = text;
        if (text.StartsWith(Http, StringComparison.OrdinalIgnoreCase))
        {
            address = text[Http.Length..];
            if (address.EndsWith('/'))
                address = address[..^1];
            if (address.AsSpan().ContainsAny('/', '?', '#') || address.Contains('@', StringComparison.Ordinal))
            {
                error = $"'{text}' is more than a scheme, a host and a port; requests keep their own path";
                return false;
            }
            if (address.LastIndexOf(':') <= address.LastIndexOf(']'))
                address += ":80";
        }
        if (ServerAddress.TryParse(address, out server, out error, out var hint))
            return true;
        error = hint is null ? error : $"{error}; {hint}";
        return false;
    }
}
