using System.Text;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Routing;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Net;

namespace FastGate.Gateway.Config;

/// <summary>Compiles options without problems into the table that the data path obeys. What was checked is not checked
/// again: a problem here is a bug of the checks.</summary>
public static class GateCompiler
{
    /// <summary>A gate that serves by these options, not started yet.</summary>
    /// <param name="options">Without problems.</param>
    /// <param name="transport">Its lanes, and what it binds and dials with.</param>
    /// <param name="logs">Where it writes.</param>
    /// <param name="clock">The time of day, and nothing else: what is due when is the lanes' clock's, which never
    /// jumps.</param>
    public static Gate CreateGate(GateOptions options, Transport transport, LogWriter logs,
        TimeProvider? clock = null) =>
        Gate.Create(Compile(options, transport), transport, logs, clock ?? TimeProvider.System);

    internal static GateTable Compile(GateOptions options, Transport transport)
    {
        Dictionary<string, Upstream> upstreams = options.Upstreams.ToDictionary(
            static u => u.Name, u => new Upstream(u, transport), StringComparer.Ordinal);
        var builder = new RouteTrieBuilder<Route>();
        var routes = new Route[options.Routes.Count];
        for (int i = 0; i < routes.Length; i++)
        {
            RouteDefinition<Route> route = Define(i + 1, options.Routes[i], options, upstreams, transport.Lanes.Count);
            routes[i] = route.Value;
            OpenBudget(route.Value);
            builder.Add(route);
        }
        return new GateTable
        {
            Routes = builder.Build([]),
            RouteList = routes,
            Listeners = [.. options.Listeners],
            Server = options.Server,
            Client = options.Client,
            TrustedProxies = new TrustedProxies(options.Server.TrustedProxies),
            Upstreams = [.. upstreams.Values],
            DecidingFields = [.. DecidingFields(options)],
        };
    }

    private static IEnumerable<byte[]> DecidingFields(GateOptions options)
    {
        IEnumerable<string> keys = options.Routes.SelectMany(static route => route.When)
            .Select(static when => when.Key.Value).Concat(options.Upstreams.SelectMany(static u => u.Hash));
        foreach (string text in keys.Distinct())
        {
            // Without problems: the routes were defined before.
            if (RequestKey.TryParse(text, KeyUse.Hash, [], out RequestKey key) && key.Source == KeySource.Header)
            {
                yield return Encoding.UTF8.GetBytes(key.Name);
            }
        }
    }

    private static RouteDefinition<Route> Define(int id, RouteOptions route, GateOptions options,
        Dictionary<string, Upstream> upstreams, int lanes)
    {
        List<RoutingProblem> problems = [];
        List<RoutePattern> patterns = [.. route.Match.Select(m => RoutePattern.Parse(m.Value, problems)!)];
        RouteNames names = RouteNames.Of(patterns);
        var compiled = new Route
        {
            Id = id,
            Name = Encoding.UTF8.GetBytes(route.Name),
            Timeout = route.Timeout,
            Retry = route.Retry,
            HeadTimes = route.Retry.HedgePercent > 0 ? new HeadTimes?[lanes] : [],
            BodyBytesMax = route.BodyBytesMax,
            Upstream = route.Upstream is { } upstream ? upstreams[upstream] : null,
            BalanceKey = route.Upstream is { } group ? Key(upstreams[group].Options, names, route, problems) : null,
            StripPrefix = route.StripPrefix is { } prefix
                ? ForwardedPath.Parse(prefix, patterns, route.IgnoreCase, problems)
                : null,
            Host = route.Host.Handling,
            HostLiteral = Encoding.ASCII.GetBytes(route.Host.Literal?.Value ?? ""),
            RequestHeaders = Rules(route.RequestHeaders, names, problems),
            ResponseHeaders = Rules(route.ResponseHeaders, names, problems),
            Respond = route.Respond is { } respond ? Answer(respond) : null,
            Redirect = route.Redirect is { } redirect ? Target(redirect, names, problems) : null,
            EncodedSlash = route.EncodedSlash,
        };
        RouteDefinition<Route> definition = new(route.Name, compiled)
        {
            Patterns = patterns,
            When = [.. route.When.Select(when => Condition(when, problems))],
            Listeners = [.. route.Listener.Select(name => IndexOf(options, name))],
            Order = route.Order,
            IgnoreCase = route.IgnoreCase,
            EncodedSlash = route.EncodedSlash,
        };
        return problems.Count == 0
            ? definition
            : throw new InvalidOperationException($"route '{route.Name}' was not checked: {problems[0]}");
    }

    private static void OpenBudget(Route route)
    {
        if (route is { Upstream: { } upstream, Retry: { IsOn: true } retry })
        {
            upstream.RetryBudget.Open(retry.BudgetMinPerDay);
        }
    }

    private static RequestHash? Key(UpstreamOptions upstream, RouteNames names, RouteOptions route,
        List<RoutingProblem> problems)
    {
        var keys = new List<RequestKey>();
        foreach (string text in upstream.Hash)
        {
            RequestKey.TryParse(text, KeyUse.Hash, problems, out RequestKey key);
            keys.Add(key);
        }
        return keys.Count == 0 ? null : new RequestHash(keys, names, route.Name);
    }

    private static int IndexOf(GateOptions options, string listener)
    {
        for (int i = 0; i < options.Listeners.Count; i++)
        {
            if (options.Listeners[i].Name == listener)
            {
                return i;
            }
        }
        throw new InvalidOperationException($"listener '{listener}' was not checked");
    }

    private static WhenCondition Condition(WhenOptions when, List<RoutingProblem> problems) =>
        when.Present is { } present
        ? WhenCondition.Parse(when.Key.Value, present, problems)!
        : WhenCondition.Parse(when.Key.Value, [.. when.Values.Select(static v => v.Value)], problems)!;

    private static HeaderRules Rules(HeaderOptions headers, RouteNames names, List<RoutingProblem> problems)
    {
        if (headers.IsEmpty)
        {
            return HeaderRules.None;
        }
        HeaderRules.Rule[] Compile(IReadOnlyList<HeaderField> fields) =>
            [.. fields.Select(field => new HeaderRules.Rule(
            Encoding.ASCII.GetBytes(field.Name),
            Template.Parse(field.Value.Value, TemplateUse.HeaderValue, names, problems)!))];
        return new HeaderRules(Compile(headers.Set), Compile(headers.Add), Compile(headers.Default),
            [.. headers.Remove.Select(Encoding.ASCII.GetBytes)]);
    }

    private static FixedAnswer Answer(RespondOptions respond)
    {
        var fields = new StringBuilder();
        foreach (HeaderField field in respond.Headers)
        {
            fields.Append(field.Name).Append(": ").Append(field.Value.Value).Append("\r\n");
        }
        return new FixedAnswer(respond.Status, Encoding.UTF8.GetBytes(fields.ToString()),
            Encoding.UTF8.GetBytes(respond.Body.Value));
    }

    private static Redirect Target(RedirectOptions redirect, RouteNames names, List<RoutingProblem> problems)
    {
        string to = redirect.To.Value;
        return new Redirect(Template.Parse(to, TemplateUse.Redirect, names, problems)!, redirect.Status,
            CarriesQuery: !to.Contains("{query}", StringComparison.Ordinal)
                && !to.Contains('?', StringComparison.Ordinal));
    }
}
