namespace FastGate.Gateway.Stats;

/// <summary>What the process holds of the machine. Asking the kernel takes a while, so it is asked ten times a second
/// at most, however often somebody reads. Belongs to one thread.</summary>
internal sealed class ProcessGauges
{
    private const long FreshMs = 100;
    private const string Descriptors = "/proc/self/fd";

    private long _readAt = long.MinValue;

    /// <summary>Memory that is resident.</summary>
    public long ResidentBytes { get; private set; }

    /// <summary>Objects of the runtime, live or not collected yet.</summary>
    public long HeapBytes { get; private set; }

    /// <summary>Open descriptors; null where the system does not tell.</summary>
    public long? DescriptorsOpen { get; private set; }

    /// <param name="now">Milliseconds of a clock that never jumps.</param>
    public void Refresh(long now)
    {
        if (now < _readAt + FreshMs && _readAt <= now)
        {
            return;
        }
        _readAt = now;
        // Zero where there is no descriptor left to look with.
        ResidentBytes = Environment.WorkingSet is > 0 and var resident ? resident : ResidentBytes;
        HeapBytes = GC.GetTotalMemory(forceFullCollection: false);
        DescriptorsOpen = CountDescriptors();
    }

    private static long? CountDescriptors()
    {
        // Since Linux 6.2 the directory's size is their number; to list 100,000 of them takes tens of milliseconds.
        if (Posix.TryGetSize(Descriptors, out long size) && size > 0)
        {
            return size;
        }
        try
        {
            // Less the one that lists.
            return Directory.EnumerateFileSystemEntries(Descriptors).LongCount() - 1;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
