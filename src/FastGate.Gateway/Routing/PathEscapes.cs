namespace FastGate.Gateway.Routing;

/// <summary>Escapes of bytes that a path may have as they are (<c>%3A</c>, <c>%40</c>, <c>%21</c>), and of slashes.
/// They are not equal to their bytes here, and go on as they came; nearly every server decodes them before it looks
/// what is asked for.</summary>
internal static class PathEscapes
{
    /// <summary>Whether a normal path has one.</summary>
    public static bool AreIn(ReadOnlySpan<byte> path)
    {
        for (int at = path.IndexOf((byte)'%'); at >= 0; at = path.IndexOf((byte)'%'))
        {
            path = path[at..];
            if (TryRead(path, out _))
            {
                return true;
            }
            path = path[1..];
        }
        return false;
    }

    /// <summary>Writes a normal path with these decoded, a backslash as a slash, and slashes merged; it is normal then
    /// too.</summary>
    /// <param name="path">The path.</param>
    /// <param name="target">Of the path's length at least.</param>
    /// <returns>Bytes written.</returns>
    public static int Decode(ReadOnlySpan<byte> path, Span<byte> target)
    {
        int written = 0;
        for (int i = 0; i < path.Length; i++)
        {
            byte b = path[i];
            if (b == (byte)'%' && TryRead(path[i..], out byte escaped))
            {
                b = escaped == (byte)'\\' ? (byte)'/' : escaped;
                i += 2;
            }
            if (b != (byte)'/' || written == 0 || target[written - 1] != (byte)'/')
            {
                target[written++] = b;
            }
        }
        return written;
    }

    private static bool TryRead(ReadOnlySpan<byte> escape, out byte b) =>
        PathNormalizer.TryReadEscape(escape, out b) && (PathNormalizer.IsPlain(b) || b == (byte)'\\');
}
