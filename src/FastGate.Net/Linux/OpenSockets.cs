namespace FastGate.Net.Linux;

/// <summary>How many sockets of connections the process has open, to clients and to servers, on all lanes: what the
/// system does not say when it has no descriptor left.</summary>
internal static class OpenSockets
{
    private static int s_count;

    public static int Count => Volatile.Read(ref s_count);

    public static void Opened() => Interlocked.Increment(ref s_count);

    public static void Closed() => Interlocked.Decrement(ref s_count);
}
