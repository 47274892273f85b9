namespace FastGate.Gateway.Stats;

/// <summary>Every bound of the logs, and the pace of their writer. The defaults run; tests shrink them.</summary>
internal sealed record LogLimits
{
    /// <summary>Bytes kept of a path, a query and a user agent each; the rest is cut and its length noted.</summary>
    public const int LongValueBytesMax = 2048;

    /// <summary>Bytes kept of every other value of an access line.</summary>
    public const int ShortValueBytesMax = 256;

    /// <summary>The most one byte of a value can become: <c>\u001f</c>.</summary>
    public const int EscapedByteBytesMax = 6;

    /// <summary>Room for keys, numbers, times and the marks of cut values in one access line.</summary>
    public const int LineFixedBytesMax = 1536;

    private const int LongValues = 3;
    private const int ShortValues = 8;

    /// <summary>No access line is longer, whatever a client sends.</summary>
    public const int AccessLineBytesMax = LineFixedBytesMax
        + EscapedByteBytesMax * (LongValues * LongValueBytesMax + ShortValues * ShortValueBytesMax);

    /// <summary>A line of the process log is cut here. Not above PIPE_BUF, so that it is written whole or not at
    /// all.</summary>
    public const int ProcessLineBytesMax = 4096;

    /// <summary>Lines of the process log that may wait for the writer.</summary>
    public const int ProcessLinesMax = 1024;

    /// <summary>Keys of <see cref="ProcessLog.Limited"/> alive at once; further ones share a single key.</summary>
    public const int FloodKeysMax = 1024;

    public const int RingBytesMin = 128 * 1024;

    /// <summary>Bytes of finished lines that may wait per lane; a power of two, at least
    /// <see cref="RingBytesMin"/>.</summary>
    public int RingBytes { get; init; } = 1024 * 1024;

    /// <summary>After it wrote, the writer lets lines gather for so long; no lane wakes it meanwhile. 0: it sleeps at
    /// once.</summary>
    public int NapMs { get; init; } = 10;

    /// <summary>A target that failed is tried again after so long.</summary>
    public int RetryMs { get; init; } = 1000;

    /// <summary>While writing, the path is compared with the open file this often.</summary>
    public int InodeCheckMs { get; init; } = 1000;

    /// <summary>A repeated problem is counted for so long before the count is logged.</summary>
    public int FloodMs { get; init; } = 10_000;
}
