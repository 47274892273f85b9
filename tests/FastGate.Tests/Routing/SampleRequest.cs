using System.Net;
using System.Text;
using FastGate.Gateway;
using FastGate.Gateway.Routing;
using FastGate.Http;

namespace FastGate.Tests.Routing;

/// <summary>A request written down for a test: the head's bytes and a head whose slices were set by hand.</summary>
internal sealed class SampleRequest
{
    private readonly byte[] _bytes;
    private readonly byte[] _path;

    public SampleRequest(
        string method, string host, string target, IEnumerable<(string Name, string Value)>? headers = null,
            int listener = 0, string ip = "")
    {
        Method = method;
        Host = host;
        Target = target;
        Listener = listener;
        Ip = ip;
        int question = target.IndexOf('?', StringComparison.Ordinal);
        Path = question < 0 ? target : target[..question];
        _path = Encoding.ASCII.GetBytes(Path);
        Headers = [.. headers ?? []];
        StringBuilder head = new();
        head.Append(method).Append(' ').Append(target).Append(" HTTP/1.1\r\n");
        Head.Method = method.All(char.IsAsciiLetterUpper) && Enum.TryParse(method, true, out Method known)
            ? known : FastGate.Http.Method.Other;
        Head.MethodName = new Slice(0, method.Length);
        Head.Target = new Slice(method.Length + 1, target.Length);
        Head.Path = new Slice(method.Length + 1, Path.Length);
        Head.HasQuery = question >= 0;
        Head.Query = question < 0 ? default : new Slice(method.Length + 1 + question + 1, target.Length - question - 1);
        foreach ((string name, string value) in Headers)
        {
            ref Header header = ref Head.Headers.Add(
                name.Equals("cookie", StringComparison.OrdinalIgnoreCase) ? HeaderId.Cookie : HeaderId.Unknown);
            header.Name = new Slice(head.Length, name.Length);
            head.Append(name).Append(": ");
            header.Value = new Slice(head.Length, value.Length);
            head.Append(value).Append("\r\n");
        }
        head.Append("\r\n");
        _bytes = Encoding.Latin1.GetBytes(head.ToString());
        HostBytes = Encoding.ASCII.GetBytes(host);
    }

    public string Method { get; }
    public string Host { get; }
    public string Target { get; }
    public string Path { get; }
    public int Listener { get; }
    /// <summary>The client's address; empty for none.</summary>
    public string Ip { get; }
    public List<(string Name, string Value)> Headers { get; }
    public RequestHead Head { get; } = new();
    public ReadOnlySpan<byte> HeadBytes => _bytes;
    public ReadOnlySpan<byte> PathBytes => _path;
    private byte[] HostBytes { get; }

    public RouteRequest ToRouteRequest() => new()
    {
        Listener = Listener,
        Host = HostBytes,
        Path = _path,
        Method = Head.Method,
        MethodName = Head.MethodName.Of(_bytes),
        Head = Head,
        HeadBytes = _bytes,
        ClientIp = Ip.Length == 0 ? null : IpNumber.Of(IPAddress.Parse(Ip)),
    };

    public string TextOf(Slice slice) => Encoding.ASCII.GetString(slice.Of(_path));

    public override string ToString() =>
        Encoding.Latin1.GetString(_bytes).Replace("\r\n", " | ",
            StringComparison.Ordinal) + $"host '{Host}' listener {Listener} ip {Ip}";
}

internal static class Parsed
{
    public static RoutePattern Pattern(string text)
    {
        List<RoutingProblem> problems = [];
        RoutePattern? pattern = RoutePattern.Parse(text, problems);
        Assert.True(pattern is not null, $"{text}: {string.Join("; ", problems)}");
        Assert.Empty(problems);
        return pattern;
    }

    public static WhenCondition When(string key, params string[] values)
    {
        List<RoutingProblem> problems = [];
        WhenCondition? condition = values switch
        {
            ["true"] => WhenCondition.Parse(key, true, problems),
            ["false"] => WhenCondition.Parse(key, false, problems),
            _ => WhenCondition.Parse(key, values, problems),
        };
        Assert.Empty(problems);
        return condition!;
    }

    /// <summary>A route that answers its own name.</summary>
    public static RouteDefinition<string> Route(string name, params string[] patterns) =>
        new(name, name) { Patterns = [.. patterns.Select(Pattern)] };

    public static RouteTrie<string> Trie(params RouteDefinition<string>[] routes)
    {
        RouteTrie<string> trie = Trie(out List<RouteFinding<string>> findings, routes);
        Assert.DoesNotContain(findings, static f => f.IsError);
        return trie;
    }

    public static RouteTrie<string> Trie(out List<RouteFinding<string>> findings,
        params RouteDefinition<string>[] routes)
    {
        RouteTrieBuilder<string> builder = new();
        foreach (RouteDefinition<string> route in routes)
        {
            builder.Add(route);
        }
        findings = [];
        return builder.Build(findings);
    }
}
