namespace FastGate.Gateway.Routing;

/// <summary>Parameters of path segments: <c>/a;v=1/b</c>. They are ordinary bytes here, but Java servers take them off
/// before they look what is asked for: to them <c>/admin;x</c> and <c>/;x/admin</c> are <c>/admin</c>.</summary>
internal static class PathParameters
{
    /// <summary>Whether a normal path has one, escaped or not: some servers decode first.</summary>
    public static bool AreIn(ReadOnlySpan<byte> path)
    {
        int at = path.IndexOfAny((byte)';', (byte)'%');
        return at >= 0 && IndexIn(path[at..]) >= 0;
    }

    /// <summary>Writes a normal path without its parameters, and without segments that are nothing else; it is normal
    /// then too.</summary>
    /// <param name="path">The path.</param>
    /// <param name="target">Of the path's length at least.</param>
    /// <returns>Bytes written.</returns>
    public static int TakeOff(ReadOnlySpan<byte> path, Span<byte> target)
    {
        int written = 0;
        while (!path.IsEmpty)
        {
            int next = path[1..].IndexOf((byte)'/');
            ReadOnlySpan<byte> segment = next < 0 ? path : path[..(next + 1)];
            path = path[segment.Length..];
            int parameter = IndexIn(segment);
            segment = parameter < 0 ? segment : segment[..parameter];
            // Servers merge the two slashes that are left of "/;x/".
            if (segment.Length > 1 || path.IsEmpty)
            {
                segment.CopyTo(target[written..]);
                written += segment.Length;
            }
        }
        return written;
    }

    private static int IndexIn(ReadOnlySpan<byte> text)
    {
        int plain = text.IndexOf((byte)';');
        int escaped = text.IndexOf("%3B"u8);
        return plain < 0 || escaped < 0 ? Math.Max(plain, escaped) : Math.Min(plain, escaped);
    }
}
