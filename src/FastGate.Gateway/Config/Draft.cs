using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Config;

/// <summary>A configuration while it is read: what is there so far, where the names were written, and the problems.
/// </summary>
internal sealed class Draft(Surroundings surroundings)
{
    public Surroundings Surroundings => surroundings;

    public ProblemList Problems { get; } = new();

    public List<SourceFile> Files { get; } = [];

    public ServerOptions Server { get; set; } = new();

    public AdminOptions Admin { get; set; } = new();

    public Origin AdminListenOrigin { get; set; }

    public LogOptions Log { get; set; } = new();

    public ClientOptions Client { get; set; } = new();

    public TimeoutOptions Timeout { get; set; } = new();

    public RetryOptions Retry { get; set; } = new();

    public List<(ListenerOptions Options, Origin BindOrigin)> Listeners { get; } = [];

    public List<(UpstreamOptions Options, IReadOnlyList<Origin> ServerOrigins)> Upstreams { get; } = [];

    /// <summary>Names of patterns that an upstream's `hash` looks for.</summary>
    public List<(string Upstream, string Name, SourceText Key)> PathKeys { get; } = [];

    public List<RouteOptions> Routes { get; } = [];

    /// <summary>What was named, to find what is named twice and what is named nowhere. They hold also what was dropped
    /// because of a problem, so that one mistake is one problem.</summary>
    public Names ListenerNames { get; } = new("listener");

    public Names UpstreamNames { get; } = new("upstream");

    public Names RouteNames { get; } = new("route");

    /// <summary>Whether a value is not known, which offline is only a warning.</summary>
    public bool HasUnknown { get; private set; }

    /// <summary>The text with its placeholders replaced; null (and reported) if one has no value.</summary>
    public SourceText? Resolve(TomlString text, bool isTemplate = false)
    {
        var resolved = Placeholders.Resolve(text, isTemplate, surroundings, Problems);
        HasUnknown |= resolved is null;
        return resolved;
    }

    /// <summary>An error about a text. What came from a placeholder is not quoted, not even in part.</summary>
    public void Refuse(SourceText text, string noun, string sentence, string? hint = null) =>
        Refuse(text, text.Origin, noun, sentence, hint);

    public void Refuse(SourceText text, Origin place, string noun, string sentence, string? hint = null)
    {
        if (text.HasSecret)
            Problems.Error(text.Origin, $"'{text.Shown}' does not stand for a valid {noun}");
        else
            Problems.Error(place, sentence, hint);
    }
}

/// <summary>The names of one kind of thing, all files together, and the references to them.</summary>
internal sealed class Names(string noun)
{
    private readonly Dictionary<string, Origin> _origins = new(StringComparer.Ordinal);
    private readonly List<SourceText> _references = [];

    public int Count => _origins.Count;

    public void Define(string name, Origin origin, ProblemList problems)
    {
        if (_origins.TryAdd(name, origin))
            return;
        var first = _origins[name];
        var where = first.File == origin.File ? $"line {first.Line}" : $"{first.File}:{first.Line}";
        problems.Error(origin, $"{noun} '{name}' is defined twice", $"first in {where}");
    }

    public void Refer(SourceText name) => _references.Add(name);

    public void CheckReferences(Draft draft)
    {
        foreach (var name in _references)
        {
            if (_origins.ContainsKey(name.Value) || draft.Problems.IsFull)
                continue;
            var hint = Spelling.DidYouMean(name.Value, _origins.Keys);
            if (hint is null && _origins.Count is > 0 and <= 10)
                hint = $"there are: {string.Join(", ", _origins.Keys)}";
            if (_origins.Count == 0)
                hint = $"no {noun} is defined";
            draft.Refuse(name, noun, $"there is no {noun} '{name.Shown}'", hint);
        }
    }
}
