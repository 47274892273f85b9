using System.Globalization;
using System.Text;

namespace FastGate.Gateway.Routing;

internal enum KeySource : byte
{
    /// <summary>A field of the head; the name without regard to case, the whole value byte for byte.</summary>
    Header = 0,
    /// <summary>A parameter of the query, name and value decoded.</summary>
    Query,
    /// <summary>A cookie; name and value byte for byte.</summary>
    Cookie,
    /// <summary>The client's address, or so many of its first bits.</summary>
    Ip,
    /// <summary>What a <c>{name}</c> or <c>{rest}</c> of the pattern matched, decoded.</summary>
    Path,
    /// <summary>The host the request is for, without its port and without regard to case.</summary>
    Host,
    /// <summary>The method; HEAD goes where GET goes.</summary>
    Method,
    /// <summary>The route that was found. Not for <c>when</c>.</summary>
    Route,
    /// <summary>Nothing: all requests are alike. Not for <c>when</c>.</summary>
    All,
}

/// <summary>What a key is for, which decides what it may be.</summary>
internal enum KeyUse : byte
{
    When = 0,
    /// <summary><c>hash</c> of an upstream.</summary>
    Hash,
}

/// <summary>One key of a request: what is looked at, and which values it can have. The left side of a line of
/// <c>when</c>, and what requests are told apart by elsewhere.</summary>
/// <param name="Source">Where to look.</param>
/// <param name="Name">For which name; empty where there is only one.</param>
/// <param name="V4Bits">How many bits of an IPv4 address count.</param>
/// <param name="V6Bits">How many bits of an IPv6 address count.</param>
internal readonly record struct RequestKey(KeySource Source, string Name, int V4Bits = 32, int V6Bits = 64)
{
    /// <summary>Every request has exactly one: presence is no question.</summary>
    private bool IsAlwaysThere => Source >= KeySource.Ip;

    public static bool TryParse(string key, KeyUse use, List<RoutingProblem> problems, out RequestKey parsed)
    {
        int colon = key.IndexOf(':', StringComparison.Ordinal);
        string kind = colon < 0 ? key : key[..colon];
        string name = colon < 0 ? "" : key[(colon + 1)..];
        string? wrong = null;
        string? hint = null;
        (int offset, int length) = (0, key.Length);
        parsed = default;
        switch (kind)
        {
            case "header" or "query" or "cookie" or "path":
                KeySource source = kind switch
                {
                    "header" => KeySource.Header,
                    "query" => KeySource.Query,
                    "cookie" => KeySource.Cookie,
                    _ => KeySource.Path,
                };
                parsed = new RequestKey(source, name);
                if (name.Length is 0 or > RoutingLimits.WhenTextCharsMax)
                {
                    wrong = name.Length == 0
                        ? $"'{key}' names no {kind}"
                        : $"the name is longer than {RoutingLimits.WhenTextCharsMax} characters";
                    hint = $"write {kind}:NAME";
                }
                else if (source is KeySource.Header or KeySource.Cookie && !RequestFields.IsToken(name))
                {
                    (offset, length) = (colon + 1, name.Length);
                    wrong = $"'{name}' is not the name of a {kind}: no request has it";
                }
                break;
            case "host" or "method" or "ip" when colon < 0:
                parsed = new RequestKey(
                    kind switch { "host" => KeySource.Host, "method" => KeySource.Method, _ => KeySource.Ip }, "");
                break;
            case not null when kind.StartsWith("ip/", StringComparison.Ordinal) && colon < 0:
                if (!TryParseBits(kind, out parsed))
                {
                    wrong = $"'{key}' says no numbers of bits";
                    hint = "write ip/24/56: bits of an IPv4 address (0 to 32), and of an IPv6 address (0 to 128)";
                }
                break;
            case "route" or "all" when use == KeyUse.When:
                wrong = $"'{key}' is the same for every request of a route";
                hint = "leave it out";
                break;
            case "route" or "all" when colon < 0:
                parsed = new RequestKey(kind == "route" ? KeySource.Route : KeySource.All, "");
                break;
            default:
                wrong = $"'{key}' is not a key of {(use == KeyUse.When ? "when" : "hash")}";
                hint = "header:NAME, query:NAME, cookie:NAME, path:NAME, ip, ip/24/56, host"
                    + (use == KeyUse.When ? " or method" : ", method, route or all");
                break;
        }
        if (wrong is not null)
        {
            problems.Add(new RoutingProblem(offset, length, wrong, hint));
        }
        return wrong is null;
    }

    /// <summary>The same for a line of <c>when</c> that asks whether the key is there at all.</summary>
    public static bool TryParsePresence(string key, List<RoutingProblem> problems, out RequestKey parsed)
    {
        if (!TryParse(key, KeyUse.When, problems, out parsed))
        {
            return false;
        }
        if (parsed.IsAlwaysThere)
        {
            problems.Add(new RoutingProblem(0, key.Length, $"every request has '{key}'", "ask for its values"));
        }
        return !parsed.IsAlwaysThere;
    }

    /// <summary>The one spelling of a value by which values are compared; null, and a problem, for a value that no
    /// request has.</summary>
    public string? Canonical(string value, int index, List<RoutingProblem> problems)
    {
        string? canonical = value;
        string? wrong = null;
        if (value.Length > RoutingLimits.WhenTextCharsMax)
        {
            wrong = $"the value is longer than {RoutingLimits.WhenTextCharsMax} characters";
        }
        else if (Source is KeySource.Header or KeySource.Cookie)
        {
            wrong = WrongInField(value);
        }
        else if (Source == KeySource.Ip)
        {
            canonical = CanonicalIp(value);
            wrong = canonical is null ? $"'{value}' is no IP address" : null;
        }
        else if (Source == KeySource.Host)
        {
            List<RoutingProblem> inHost = [];
            HostPattern? host = value.Length == 0 ? null : HostPattern.Parse(value, 0, inHost);
            canonical = host is { IsWildcard: false } ? Encoding.ASCII.GetString(host.Key) : null;
            wrong = canonical is null ? $"'{value}' is not one host" : null;
        }
        else if (Source == KeySource.Method)
        {
            wrong = RequestFields.IsToken(value) ? null : $"'{value}' is no method";
        }
        else if (Source == KeySource.Path && Name != "rest")
        {
            wrong = value.Length == 0 || value.Contains('/', StringComparison.Ordinal)
                ? "a name of a pattern is one whole segment, so this value never occurs"
                : null;
        }
        if (wrong is not null)
        {
            problems.Add(new RoutingProblem(0, value.Length, wrong, null, index));
            return null;
        }
        return canonical;
    }

    public override string ToString() => Source switch
    {
        KeySource.Ip => (V4Bits, V6Bits) == (32, 64) ? "ip" : $"ip/{V4Bits}/{V6Bits}",
        KeySource.Host => "host",
        KeySource.Method => "method",
        KeySource.Header => $"header:{Name}",
        KeySource.Query => $"query:{Name}",
        KeySource.Cookie => $"cookie:{Name}",
        KeySource.Route => "route",
        KeySource.All => "all",
        _ => $"path:{Name}",
    };

    private string? CanonicalIp(string value)
    {
        IpNumber number = default;
        // No port, no brackets: those belong to where one connects.
        bool isAddress = !value.StartsWith('[') && IpNumber.TryParse(
            Encoding.UTF8.GetBytes(value), out number, out int length) && length == value.Length;
        return isAddress ? $"{number.Network(V4Bits, V6Bits).Value:x32}" : null;
    }

    private string? WrongInField(string value) =>
        value.Any(static c => char.IsControl(c) && c != '\t')
            ? "a header or cookie has no control characters, so this value never occurs"
        : value.Trim([' ', '\t']).Length != value.Length
            ? "spaces around a value are no part of it, so this value never occurs"
        : Source == KeySource.Cookie && value.Contains(';', StringComparison.Ordinal)
            ? "';' ends a cookie, so this value never occurs"
        : null;

    private static bool TryParseBits(string kind, out RequestKey key)
    {
        string[] parts = kind.Split('/');
        key = default;
        if (parts.Length != 3
            || !int.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out int v4) || v4 > 32
            || !int.TryParse(parts[2], NumberStyles.None, CultureInfo.InvariantCulture, out int v6) || v6 > 128)
        {
            return false;
        }
        key = new RequestKey(KeySource.Ip, "", v4, v6);
        return true;
    }
}
