using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace FastGate.EndToEnd.Chaos;

/// <summary>What became of a request.</summary>
internal enum Outcome
{
    /// <summary>The whole answer, and every byte of it was right.</summary>
    Right,
    /// <summary>The gate said why not, with a status of those it may.</summary>
    Refused,
    /// <summary>The connection broke off.</summary>
    Cut,
    /// <summary>Something came that may never come.</summary>
    Wrong,
}

/// <summary>What a run has seen, by kind of client.</summary>
internal sealed class Tally
{
    private const int KeptMax = 50;

    private readonly ConcurrentDictionary<string, long[]> _kinds = new();
    private readonly ConcurrentDictionary<string, long> _reasons = new();
    private readonly ConcurrentQueue<string> _complaints = new();
    private long _complained;

    /// <summary>Whatever may not happen; the first of them.</summary>
    public IReadOnlyCollection<string> Complaints => _complaints;

    /// <summary>More complaints would say nothing new.</summary>
    public bool HasSeenEnough => Interlocked.Read(ref _complained) >= KeptMax;

    public long Count(string kind, Outcome outcome) =>
        _kinds.TryGetValue(kind, out long[]? counts) ? Interlocked.Read(ref counts[(int)outcome]) : 0;

    public long Sum(Outcome outcome) => _kinds.Values.Sum(counts => Interlocked.Read(ref counts[(int)outcome]));

    public long Total => Enum.GetValues<Outcome>().Sum(Sum);

    public void Note(string kind, Outcome outcome, string detail = "")
    {
        long[] counts = _kinds.GetOrAdd(kind, _ => new long[4]);
        Interlocked.Increment(ref counts[(int)outcome]);
        if (outcome == Outcome.Wrong)
        {
            Complain($"{kind}: {detail}");
        }
    }

    /// <summary>Counts why something was not right.</summary>
    public void Explain(string why) => _reasons.AddOrUpdate(why, 1, (_, count) => count + 1);

    public void Complain(string complaint)
    {
        if (Interlocked.Increment(ref _complained) <= KeptMax)
        {
            _complaints.Enqueue(complaint);
        }
    }

    /// <summary>Complains of every refusal and every cut of these kinds of clients.</summary>
    public void DemandAllRight(string prefix)
    {
        foreach ((string kind, long[] counts) in _kinds)
        {
            long others = counts.Sum() - counts[(int)Outcome.Right];
            if (kind.StartsWith(prefix, StringComparison.Ordinal) && others > 0)
            {
                string why = string.Join("; ", _reasons.Where(reason => reason.Key.StartsWith(kind + ": ",
                    StringComparison.Ordinal)).Select(reason => $"{reason.Value} {reason.Key}"));
                Complain($"{kind}: {others} of {counts.Sum()} were not right: {why}");
            }
        }
    }

    public override string ToString()
    {
        var text = new StringBuilder("kind                     right    refused        cut      wrong\n");
        foreach ((string kind, long[] counts) in _kinds.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture,
                $"{kind,-20}{counts[0],10}{counts[1],11}{counts[2],11}{counts[3],11}\n");
        }
        foreach ((string why, long count) in _reasons.OrderByDescending(pair => pair.Value).Take(KeptMax))
        {
            text.Append(CultureInfo.InvariantCulture, $"{count,10}  {why}\n");
        }
        return text.ToString();
    }
}
