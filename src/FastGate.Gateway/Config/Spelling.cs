namespace FastGate.Gateway.Config;

/// <summary>Finds the word that was probably meant.</summary>
internal static class Spelling
{
    /// <summary>Longer words are compared by nobody: the table of distances is quadratic.</summary>
    private const int WordCharsMax = 64;

    /// <summary>The nearest of the words if it is near enough: a third of its letters wrong, three at most.</summary>
    public static string? Nearest(string word, IEnumerable<string> words)
    {
        string? nearest = null;
        var best = int.MaxValue;
        foreach (var candidate in words)
        {
            var distance = Distance(word.ToLowerInvariant(), candidate.ToLowerInvariant());
            var length = Math.Max(word.Length, candidate.Length);
            if (distance <= Math.Clamp(length / 3, 1, 3) && distance < length && distance < best)
                (nearest, best) = (candidate, distance);
        }
        return nearest;
    }

    public static string? DidYouMean(string word, IEnumerable<string> words) =>
        Nearest(word, words) is { } nearest ? $"did you mean '{nearest}'?" : null;

    /// <summary>Letters to insert, remove, replace or swap with their neighbour.</summary>
    internal static int Distance(string a, string b)
    {
        if (a.Length > WordCharsMax || b.Length > WordCharsMax)
            return int.MaxValue;
        var before = new int[b.Length + 1];
        var above = new int[b.Length + 1];
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
            above[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var same = a[i - 1] == b[j - 1] ? 0 : 1;
                row[j] = Math.Min(Math.Min(above[j] + 1, row[j - 1] + 1), above[j - 1] + same);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    row[j] = Math.Min(row[j], before[j - 2] + 1);
            }
            (before, above, row) = (above, row, before);
        }
        return above[b.Length];
    }
}
