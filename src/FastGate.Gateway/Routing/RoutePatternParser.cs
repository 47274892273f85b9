using System.Text;

namespace FastGate.Gateway.Routing;

/// <summary>Reads the text of one <see cref="RoutePattern"/> and says everything that is wrong with it at
/// once.</summary>
internal sealed class RoutePatternParser(string text, List<RoutingProblem> problems)
{
    private readonly int _before = problems.Count;
    private readonly List<PatternSegment> _segments = [];
    private bool _encodedSlash;

    public RoutePattern? Parse()
    {
        if (text.Length == 0)
        {
            Add(0, 0, "the pattern is empty", "write [METHOD[,METHOD]] [host]/path, as in \"GET /users/{id}\"");
            return null;
        }
        if (text.Length > RoutingLimits.PatternCharsMax)
        {
            Add(0, text.Length, $"the pattern is longer than {RoutingLimits.PatternCharsMax} characters");
            return null;
        }
        if (text[0] == ' ' || text[^1] == ' ')
        {
            Add(text[0] == ' ' ? 0 : text.Length - 1, 1, "a pattern neither begins nor ends with a space");
            return null;
        }
        int space = text.IndexOf(' ', StringComparison.Ordinal);
        string[] methods = [];
        int target = 0;
        if (space >= 0)
        {
            methods = ParseMethods(text[..space]);
            target = space;
            while (text[target] == ' ')
            {
                target++;
            }
        }
        HostPattern? host = null;
        int path = FindPath(target);
        if (path >= 0)
        {
            host = path > target ? HostPattern.Parse(text[target..path], target, problems) : null;
            ParsePath(path);
        }
        return problems.Count > _before
            ? null
            : new RoutePattern(text, text[path..], methods, host, [.. _segments], _encodedSlash);
    }

    private void Add(int offset, int length, string message, string? hint = null) =>
        problems.Add(new RoutingProblem(offset, length, message, hint));

    private string[] ParseMethods(string list)
    {
        List<string> methods = [];
        int offset = 0;
        foreach (string method in list.Split(','))
        {
            string upper = method.ToUpperInvariant();
            if (method.Length == 0)
            {
                Add(offset, 0, "a method is missing beside the comma", "write GET,POST without spaces");
            }
            else if (!RequestFields.IsToken(method))
            {
                Add(offset, method.Length, $"'{method}' is not a method",
                    method.Contains('/', StringComparison.Ordinal)
                        ? "a path contains no space; the method stands first"
                        : null);
            }
            else if (method.Contains('.', StringComparison.Ordinal))
            {
                Add(offset, method.Length, $"'{method}' looks like a host, but a method was expected before the space",
                    "no space stands between host and path");
            }
            else if (upper != method && MethodTable.IsKnown(upper))
            {
                Add(offset, method.Length, $"'{method}' is not a method: methods are case-sensitive",
                    $"did you mean {upper}?");
            }
            else if (methods.Contains(method))
            {
                Add(offset, method.Length, $"{method} is named twice");
            }
            methods.Add(method);
            offset += method.Length + 1;
        }
        return [.. methods];
    }

    /// <summary>Where the path begins, or -1 and a problem.</summary>
    private int FindPath(int target)
    {
        int slash = text.IndexOf('/', target);
        int scheme = text.IndexOf("://", target, StringComparison.Ordinal);
        if (scheme >= 0 && scheme < slash)
        {
            Add(target, scheme + 3 - target, "a pattern has no scheme", $"write {text[(scheme + 3)..]}");
            return -1;
        }
        if (slash < 0)
        {
            string found = text[target..];
            Add(target, found.Length, $"'{found}' has no path: a path begins with '/'",
                MethodTable.IsKnown(found) ? $"write {found} /*" : $"write {found}/* for everything below it");
            return -1;
        }
        int space = text.IndexOf(' ', target);
        if (space >= 0)
        {
            Add(space, 1, "a space stands only between methods and target", "in a path it is written %20");
            return -1;
        }
        return slash;
    }

    private void ParsePath(int path)
    {
        int end = text.AsSpan(path).IndexOfAny('?', '#');
        if (end >= 0)
        {
            Add(path + end, 1, "a pattern ends with the path: a query or fragment is no part of it",
                "conditions on the query: when = { \"query:NAME\" = \"value\" }");
            return;
        }
        int start = path + 1;
        while (true)
        {
            int slash = text.IndexOf('/', start);
            bool last = slash < 0;
            int length = (last ? text.Length : slash) - start;
            ParseSegment(start, length, last);
            if (last)
            {
                break;
            }
            start = slash + 1;
        }
        if (_segments.Count > RoutingLimits.SegmentsMax)
        {
            Add(path, text.Length - path, $"the path has more than {RoutingLimits.SegmentsMax} segments");
        }
        if (_segments.Count(static s => s.Kind == SegmentKind.Name) > RoutingLimits.NamesMax)
        {
            Add(path, text.Length - path, $"the path has more than {RoutingLimits.NamesMax} names");
        }
    }

    private void ParseSegment(int start, int length, bool last)
    {
        string segment = text.Substring(start, length);
        if (segment == "*" && last)
        {
            _segments.Add(new PatternSegment(SegmentKind.Rest, [], "rest"));
        }
        else if (segment.Contains('*', StringComparison.Ordinal))
        {
            Add(start + segment.IndexOf('*', StringComparison.Ordinal), 1,
                "'*' stands only as the whole last segment", "one segment of any value is written {name}");
        }
        else if (segment.AsSpan().ContainsAny('{', '}'))
        {
            ParseName(segment, start);
        }
        else
        {
            ParseLiteral(segment, start, last);
        }
    }

    private void ParseName(string segment, int start)
    {
        int open = segment.IndexOf('{', StringComparison.Ordinal);
        int close = segment.IndexOf('}', StringComparison.Ordinal);
        if (open < 0 || (close >= 0 && close < open))
        {
            Add(start + close, 1, "'}' without '{'");
            return;
        }
        if (close < 0)
        {
            Add(start + open, segment.Length - open, "'{' without '}'");
            return;
        }
        if (open != 0 || close != segment.Length - 1)
        {
            Add(start, segment.Length, $"'{segment}': a {{name}} is a whole segment");
            return;
        }
        string name = segment[1..^1];
        if (!IsName(name))
        {
            Add(start + 1, name.Length, $"'{name}' is not a name",
                $"1 to {RoutingLimits.NameCharsMax} letters, digits or '_', not beginning with a digit");
        }
        else if (name == "rest")
        {
            Add(start, segment.Length, "{rest} is what a final /* matched", "write /* or another name");
        }
        else if (Template.IsReserved(name))
        {
            Add(start, segment.Length, $"{{{name}}} is a variable of its own", "choose another name");
        }
        else if (_segments.Exists(s => s.Kind == SegmentKind.Name && s.Name == name))
        {
            Add(start, segment.Length, $"{{{name}}} stands twice in this pattern");
        }
        _segments.Add(new PatternSegment(SegmentKind.Name, [], name));
    }

    internal static bool IsName(string name) =>
        name.Length is > 0 and <= RoutingLimits.NameCharsMax && !char.IsAsciiDigit(name[0])
        && name.All(static c => char.IsAsciiLetterOrDigit(c) || c == '_');

    private void ParseLiteral(string segment, int start, bool last)
    {
        if (segment.Length == 0 && !last)
        {
            Add(start - 1, 2, "'//' never occurs in a normal path", "write one slash");
            return;
        }
        byte[] sent = Encoding.UTF8.GetBytes("/" + segment);
        byte[] normal = new byte[PathNormalizer.NormalBytesMax(sent.Length)];
        NormalPath result = PathNormalizer.Normalize(sent, normal, PathPolicy.Normalize);
        if (!result.IsUsable)
        {
            Add(start, segment.Length, $"'{segment}' never occurs in a path: {RuleText(result.Rule)}");
            return;
        }
        if (result.IsRewritten)
        {
            string form = Encoding.ASCII.GetString(normal, 1, result.Length - 1);
            Add(start, segment.Length, $"'{segment}' never occurs in a normal path",
                form.Length == 0 ? "leave it out" : $"write {form}");
            return;
        }
        _encodedSlash |= result.HasEncodedSlash;
        _segments.Add(new PatternSegment(SegmentKind.Literal, sent[1..], ""));
    }

    internal static string RuleText(PathRule rule) => rule switch
    {
        PathRule.NotAbsolute => "it does not begin with '/'",
        PathRule.Backslash => "a backslash is refused",
        PathRule.ForbiddenByte => "a control byte, a space, '?' or '#' is refused",
        PathRule.EncodedControl => "an escaped control byte is refused",
        PathRule.BrokenEscape => "'%' is followed by two hexadecimal digits",
        PathRule.AboveRoot => "'..' climbs above the root",
        PathRule.EncodedDotSegment => "a dot segment beside an encoded slash is refused",
        _ => "it is refused",
    };
}
