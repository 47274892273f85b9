namespace FastGate.Http;

/// <summary>Dates as HTTP writes them: IMF-fixdate (RFC 9110 section 5.6.7).</summary>
public static class HttpDate
{
    /// <summary>Length of every such date.</summary>
    public const int Bytes = 29;

    /// <summary>Writes <paramref name="utc"/>, which is UTC, into at least <see cref="Bytes"/> bytes.</summary>
    public static void Write(DateTime utc, Span<byte> target) =>
        utc.TryFormat(target, out _, "r", System.Globalization.CultureInfo.InvariantCulture);
}
