using FastGate.Gateway.Proxy;
using FastGate.Gateway.Routing;

namespace FastGate.Gateway.Config;

/// <summary>Compiles patterns, conditions and templates as the data path will, to give what is wrong with them its
/// place in the file, and looks at the routes all together.</summary>
internal sealed class RouteChecks
{
    private readonly Draft _draft;
    private readonly Dictionary<string, int> _listeners = new(StringComparer.Ordinal);
    private readonly Dictionary<RoutePattern, SourceText> _sources = [];
    private readonly RouteTrieBuilder<RouteOptions> _builder = new();
    private readonly Dictionary<string, List<RouteNames>> _upstreamNames = new(StringComparer.Ordinal);

    private RouteChecks(Draft draft)
    {
        _draft = draft;
        foreach (var (listener, _) in draft.Listeners)
            _listeners.TryAdd(listener.Name, _listeners.Count);
    }

    public static void Run(Draft draft)
    {
        var checks = new RouteChecks(draft);
        foreach (var route in draft.Routes)
            checks.Add(route);
        checks.CheckPathKeys();
        checks.ReportFindings();
    }

    /// <summary>A route with a part that cannot be compiled stays out of the table: what it would do to others is not
    /// known.</summary>
    private void Add(RouteOptions route)
    {
        var patterns = Patterns(route);
        var names = patterns is null ? null : RouteNames.Of(patterns);
        var conditions = Conditions(route, names);
        if (patterns is null || names is null)
            return;
        CheckTemplates(route, names);
        if (route.Upstream is { } upstream)
        {
            if (!_upstreamNames.TryGetValue(upstream, out var known))
                _upstreamNames.Add(upstream, known = []);
            known.Add(names);
        }
        if (conditions is null)
            return;
        _builder.Add(new RouteDefinition<RouteOptions>(route.Name, route)
        {
            Patterns = patterns,
            When = conditions,
            Listeners = [.. route.Listener.Where(_listeners.ContainsKey).Select(name => _listeners[name])],
            Order = route.Order,
            IgnoreCase = route.IgnoreCase,
            EncodedSlash = route.EncodedSlash,
        });
    }

    /// <summary>A route without the name is spread as any request without its key is; but some route must have
    /// it.</summary>
    private void CheckPathKeys()
    {
        foreach (var (upstream, name, key) in _draft.PathKeys)
        {
            if (!_upstreamNames.TryGetValue(upstream, out var routes) || routes.Exists(names => names.IsInSome(name)))
                continue;
            _draft.Refuse(key, "key", $"no pattern of a route to upstream '{upstream}' has {{{name}}}",
                "no request would have this key");
        }
    }

    private List<RoutePattern>? Patterns(RouteOptions route)
    {
        var patterns = new List<RoutePattern>();
        foreach (var text in route.Match)
        {
            var problems = new List<RoutingProblem>();
            var pattern = RoutePattern.Parse(text.Value, problems);
            Report(problems, "pattern", _ => text);
            if (pattern is null)
                continue;
            patterns.Add(pattern);
            _sources.Add(pattern, text);
        }
        return patterns.Count == route.Match.Count ? patterns : null;
    }

    private List<WhenCondition>? Conditions(RouteOptions route, RouteNames? names)
    {
        var conditions = new List<WhenCondition>();
        foreach (var when in route.When)
        {
            var problems = new List<RoutingProblem>();
            var condition = when.Present is { } present
                ? WhenCondition.Parse(when.Key.Value, present, problems)
                : WhenCondition.Parse(when.Key.Value, [.. when.Values.Select(v => v.Value)], problems);
            if (condition is { Source: KeySource.Path } && names is not null && !names.IsInEvery(condition.Name))
            {
                problems.Add(new RoutingProblem(0, when.Key.Value.Length,
                    $"not every pattern of this route has {{{condition.Name}}}, so '{when.Key.Value}' could never hold",
                    null));
            }
            Report(problems, "condition", item => item < 0 ? when.Key : when.Values[item]);
            if (condition is not null)
                conditions.Add(condition);
        }
        return conditions.Count == route.When.Count ? conditions : null;
    }

    private void CheckTemplates(RouteOptions route, RouteNames names)
    {
        // What is wrong with a variable may quote a pattern, and a pattern may hold what must not be told.
        var quotable = !route.Match.Any(m => m.HasSecret);
        foreach (var field in Templates(route.RequestHeaders).Concat(Templates(route.ResponseHeaders)))
            CheckTemplate(field.Value, TemplateUse.HeaderValue, names, quotable);
        if (route.Redirect is { } redirect)
            CheckTemplate(redirect.To, TemplateUse.Redirect, names, quotable);
    }

    private static IEnumerable<HeaderField> Templates(HeaderOptions headers) =>
        headers.Set.Concat(headers.Add).Concat(headers.Default);

    private void CheckTemplate(SourceText text, TemplateUse use, RouteNames names, bool quotable)
    {
        var problems = new List<RoutingProblem>();
        _ = Template.Parse(text.Value, use, names, problems);
        if (quotable)
            Report(problems, use == TemplateUse.Redirect ? "target" : "header value", _ => text);
        else if (problems.Count > 0)
            _draft.Problems.Error(text.Origin, $"'{text.Shown}' does not fit the patterns of its route");
    }

    private void Report(List<RoutingProblem> problems, string noun, Func<int, SourceText> text)
    {
        foreach (var problem in problems)
        {
            var source = text(problem.Item);
            _draft.Refuse(source, source.At(problem.Offset, problem.Length), noun, problem.Message, problem.Hint);
        }
    }

    private void ReportFindings()
    {
        var findings = new List<RouteFinding<RouteOptions>>();
        _builder.Build(findings);
        foreach (var finding in findings)
        {
            var own = finding.Pattern is { } pattern ? _sources[pattern] : null;
            var other = finding.OtherPattern is { } otherPattern ? _sources[otherPattern] : null;
            var place = own?.Origin ?? finding.Route.Value.Origin;
            var hidden = own is { HasSecret: true } || other is { HasSecret: true };
            var sentence = hidden ? Unquoted(finding) : finding.Message;
            var hint = hidden ? null : finding.Hint;
            if (finding.IsError)
                _draft.Problems.Error(place, sentence, hint);
            else
                _draft.Problems.Warning(place, sentence, hint);
        }
    }

    /// <summary>The same without a pattern in it.</summary>
    private static string Unquoted(RouteFinding<RouteOptions> finding) => finding.Kind switch
    {
        RouteFindingKind.Ambiguous => $"routes '{finding.Other!.Name}' and '{finding.Route.Name}' match the same "
            + "requests and are equally specific",
        RouteFindingKind.NeverMatches => $"a pattern of route '{finding.Route.Name}' can never match",
        RouteFindingKind.HostCatchAll => $"a catch-all of route '{finding.Route.Name}' also takes what routes without "
            + "a host match",
        _ => $"there are too many methods or names in the patterns of route '{finding.Route.Name}'",
    };
}
