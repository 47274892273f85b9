namespace FastGate.Gateway;

/// <summary>Bounds of durations (milliseconds) and sizes (bytes).</summary>
public static class Bound
{
    /// <summary>No bound: what "none" means. Beyond everything the configuration accepts, yet small enough that now
    /// plus it does not overflow: code that forgets the special case still does the right thing.</summary>
    public const long None = long.MaxValue / 4;
}
