using System.Text;

namespace FastGate.Gateway.Routing;

/// <summary>Reads the text of one <see cref="Template"/> and says everything that is wrong with it at once.</summary>
internal sealed class TemplateParser(string text, TemplateUse use, RouteNames names, List<RoutingProblem> problems)
{
    private readonly int _before = problems.Count;
    private readonly List<Template.Part> _parts = [];
    private readonly StringBuilder _plain = new();
    private bool _afterQuestion;

    public Template? Parse()
    {
        if (text.Length > RoutingLimits.TemplateCharsMax)
        {
            Add(0, text.Length, $"the text is longer than {RoutingLimits.TemplateCharsMax} characters");
            return null;
        }
        int i = 0;
        while (i < text.Length)
        {
            char c = text[i];
            bool doubled = i + 1 < text.Length && text[i + 1] == c;
            if (c is '{' or '}' && doubled)
            {
                _plain.Append(c);
                i += 2;
            }
            else if (c == '{')
            {
                i = ParseVariable(i);
            }
            else if (c == '}')
            {
                Add(i, 1, "'}' without '{'", "a brace is written }}");
                i++;
            }
            else
            {
                CheckCharacter(c, i);
                _plain.Append(c);
                i++;
            }
        }
        EndText();
        CheckUse();
        return problems.Count > _before ? null : new Template(text, [.. _parts]);
    }

    private bool IsUri => use != TemplateUse.HeaderValue;

    private void Add(int offset, int length, string message, string? hint = null) =>
        problems.Add(new RoutingProblem(offset, length, message, hint));

    private void CheckCharacter(char c, int offset)
    {
        if (char.IsControl(c) && !(c == '\t' && !IsUri))
        {
            Add(offset, 1, "a control character is not allowed here");
        }
        else if (IsUri && (c is ' ' or '"' or '<' or '>' or '\\' or '^' or '`' or '|' || c >= 0x80))
        {
            Add(offset, 1, $"'{c}' has no place in a URI", "write its bytes as %XX");
        }
        else if (use == TemplateUse.Rewrite && c is '?' or '#')
        {
            Add(offset, 1, $"'{c}': a rewrite is a path; the query is kept as it is");
        }
    }

    private void EndText()
    {
        if (_plain.Length == 0)
        {
            return;
        }
        string plain = _plain.ToString();
        _plain.Clear();
        bool joins = IsUri && !_afterQuestion;
        _parts.Add(new Template.Part(TemplateVariable.None, 0, Encoding.UTF8.GetBytes(plain), joins));
        _afterQuestion |= plain.AsSpan().ContainsAny('?', '#');
    }

    private int ParseVariable(int open)
    {
        int close = text.IndexOf('}', open);
        if (close < 0)
        {
            Add(open, text.Length - open, "'{' without '}'", "a brace is written {{");
            return text.Length;
        }
        EndText();
        string name = text[(open + 1)..close];
        TemplateVariable variable = Template.VariableOf(name);
        int slot = 0;
        if (variable is TemplateVariable.Name or TemplateVariable.Rest && !names.IsInEvery(name))
        {
            RoutePattern? without = variable == TemplateVariable.Rest || names.SlotOf(name) >= 0
                ? names.FirstWithout(name) : null;
            Add(open, close + 1 - open,
                without is null
                    ? $"unknown variable {{{name}}}"
                    : $"{{{name}}} has no value when '{without.Text}' matches",
                $"known here: {Known()}");
        }
        else if (use == TemplateUse.Rewrite
            && variable is not (TemplateVariable.Name or TemplateVariable.Rest or TemplateVariable.Path))
        {
            Add(open, close + 1 - open, $"{{{name}}} can not stand in a path: its value is not part of one",
                $"known here: {Known()}");
        }
        else if (variable == TemplateVariable.Name)
        {
            slot = names.SlotOf(name);
        }
        _parts.Add(new Template.Part(variable, slot, [], IsUri && !_afterQuestion));
        return close + 1;
    }

    private string Known()
    {
        List<string> known = [.. names.Slots.Where(names.IsInEvery)];
        if (names.IsInEvery("rest"))
        {
            known.Add("rest");
        }
        known.AddRange(use == TemplateUse.Rewrite
            ? ["path"]
            : ["host", "path", "query", "scheme", "client_ip", "request_id"]);
        return string.Join(' ', known.Select(static k => $"{{{k}}}"));
    }

    private void CheckUse()
    {
        if (!IsUri || problems.Count > _before)
        {
            return;
        }
        if (_parts.Count == 0)
        {
            Add(0, 0, "the text is empty");
            return;
        }
        string lead = _parts[0].Variable == TemplateVariable.None ? Encoding.UTF8.GetString(_parts[0].Text) : "";
        bool isPath = lead.StartsWith('/') || _parts[0].Variable == TemplateVariable.Path;
        if (use == TemplateUse.Rewrite)
        {
            if (!isPath)
            {
                Add(0, 1, "a rewrite begins with '/'");
                return;
            }
            CheckRewrite();
        }
        else if (!isPath)
        {
            CheckAuthority(lead);
        }
        else if (lead.StartsWith("//", StringComparison.Ordinal))
        {
            Add(0, 2, "'//' begins a host, not a path", "write one slash, or https://host/path");
        }
    }

    /// <summary>With its variables put as a plain segment the text must be a normal path, and no variable may stand
    /// beside dots alone: with a value that is empty or ends in a slash they would become a dot segment.</summary>
    private void CheckRewrite()
    {
        StringBuilder sample = new();
        foreach (Template.Part part in _parts)
        {
            string piece = part.Variable == TemplateVariable.None ? Encoding.UTF8.GetString(part.Text) : "v";
            if (part.Variable == TemplateVariable.Path)
            {
                piece = "/v";
            }
            bool seam = sample.Length > 0 && sample[^1] == '/' && piece.StartsWith('/');
            sample.Append(seam ? piece[1..] : piece);
        }
        byte[] sent = Encoding.UTF8.GetBytes(sample.ToString());
        byte[] normal = new byte[PathNormalizer.NormalBytesMax(sent.Length)];
        NormalPath result = PathNormalizer.Normalize(sent, normal, PathPolicy.Normalize);
        if (!result.IsUsable || result.IsRewritten)
        {
            Add(0, text.Length, "a rewrite must be a normal path" +
                (result.IsUsable ? "" : $": {RoutePatternParser.RuleText(result.Rule)}"),
                "without '//', dot segments and needless escapes");
        }
        for (int i = 0; i < _parts.Count; i++)
        {
            if (_parts[i].Variable != TemplateVariable.None)
            {
                continue;
            }
            string plain = Encoding.UTF8.GetString(_parts[i].Text);
            string tail = plain[(plain.LastIndexOf('/') + 1)..];
            int slash = plain.IndexOf('/', StringComparison.Ordinal);
            string head = slash < 0 ? plain : plain[..slash];
            if ((i + 1 < _parts.Count && IsDots(tail)) || (i > 0 && IsDots(head)))
            {
                Add(0, text.Length, "dots alone beside a variable could become a dot segment");
            }
        }

        static bool IsDots(string piece) => piece.Length > 0 && piece.All(static c => c == '.');
    }

    /// <summary>A redirect that is no path: its scheme must be said and its host must not be for a request to
    /// choose, or the gate sends clients wherever a link says.</summary>
    private void CheckAuthority(string lead)
    {
        int at = 0;
        string authority = lead;
        if (_parts[0].Variable == TemplateVariable.Scheme && _parts.Count > 1)
        {
            at = 1;
            authority = "x" + Encoding.UTF8.GetString(_parts[1].Text);
        }
        int begin = authority.IndexOf("://", StringComparison.Ordinal);
        if (begin < 0 || (at == 0 && authority[..begin] is not ("http" or "https")))
        {
            Add(0, text.Length, "a redirect begins with '/', http://, https:// or {scheme}://");
            return;
        }
        string plain = authority[(begin + 3)..];
        if (plain.Length == 0 ? at + 1 == _parts.Count : plain[0] is '/' or '?' or '#')
        {
            Add(0, text.Length, "the redirect has no host");
            return;
        }
        bool hasHost = plain.Length > 0;
        while (!plain.AsSpan().ContainsAny('/', '?', '#') && ++at < _parts.Count)
        {
            Template.Part part = _parts[at];
            plain = Encoding.UTF8.GetString(part.Text);
            string next = at + 1 < _parts.Count ? Encoding.UTF8.GetString(_parts[at + 1].Text) : "";
            bool safe = part.Variable switch
            {
                TemplateVariable.None or TemplateVariable.Host => true,
                // A path begins with the slash that ends the host, if a host stands before it; https:// and a path
                // would make its first segment the host.
                TemplateVariable.Path => hasHost,
                TemplateVariable.Name => next.StartsWith('.'),
                _ => false,
            };
            if (!safe)
            {
                Add(0, text.Length, "a request could choose the host of this redirect",
                    "end the host with '/' before the variable");
                return;
            }
            if (part.Variable == TemplateVariable.Path)
            {
                return;
            }
            hasHost = true;
        }
    }
}
