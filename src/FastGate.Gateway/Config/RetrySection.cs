using FastGate.Gateway.Proxy;

namespace FastGate.Gateway.Config;

/// <summary>Reads `retry` of [defaults] or of a route.</summary>
internal static class RetrySection
{
    private static readonly (string Word, RetryOn Value)[] Words =
    [
        ("connect", RetryOn.Connect), ("reset", RetryOn.Reset), ("502", RetryOn.Status502),
        ("503", RetryOn.Status503), ("504", RetryOn.Status504),
    ];

    private static readonly (string Word, int Value)[] Hedges =
        [("p95", 95), ("p99", 99), ("p90", 90), ("p75", 75), ("p50", 50), ("off", 0)];

    /// <summary>What it does not say is <paramref name="inherited"/>, or what is built in where that is
    /// "off".</summary>
    public static RetryOptions Read(TableReader table, RetryOptions inherited)
    {
        if (table.IsOff("retry"))
            return RetryOptions.Off;
        if (table.SubTable("retry", Shape.Retry, "{ retries = 1 }, or \"off\"") is not { } retry)
            return inherited;
        var before = inherited.IsOn ? inherited : new RetryOptions();
        return new RetryOptions
        {
            Retries = retry.Count("retries", before.Retries, 1, RetryOptions.RetriesMax),
            On = On(retry, before.On),
            PerTryMs = retry.Duration("per_try", before.PerTryMs, none: Bound.None),
            BodyMax = (int)retry.Size("body_max", before.BodyMax, 1, RetryOptions.BodyBytesMax),
            BudgetPercent = retry.Share("budget", before.BudgetPercent),
            BudgetMinPerDay = retry.Rate("budget_min", before.BudgetMinPerDay, none: 0),
            HedgePercent = retry.Word("hedge", before.HedgePercent, Hedges),
        };
    }

    private static RetryOn On(TableReader retry, RetryOn inherited)
    {
        const string key = "on";
        if (retry.Texts(key) is not { } texts)
            return inherited;
        var on = RetryOn.None;
        foreach (var text in texts)
        {
            var value = Words.FirstOrDefault(w => w.Word == text.Value).Value;
            on |= value;
            if (value == RetryOn.None)
            {
                retry.Refuse(text, "word", $"'{text.Shown}' is nothing to retry on",
                    Spelling.DidYouMean(text.Value, Words.Select(w => w.Word))
                        ?? $"words are {string.Join(", ", Words.Select(w => w.Word))}");
            }
        }
        return on;
    }
}
