using System.Diagnostics;
using FastGate.Net.Time;

namespace FastGate.Gateway.Stats;

/// <summary>How long the garbage collector kept everybody waiting, each time within the last minute. An object that
/// nobody holds is noticed by every collection, and its finalizer looks at how long that one took: nothing is sampled,
/// and there is no tick.</summary>
public sealed class GcPauses
{
    private static readonly GcPauses s_process = new();
    private static int s_watching;

    private readonly WindowHistogram _pauses = new();
    private int _collections = GC.CollectionCount(0);
    private TimeSpan _paused = GC.GetTotalPauseDuration();

    private GcPauses()
    {
    }

    /// <summary>Those of this process, from the first call on.</summary>
    public static GcPauses Watch()
    {
        if (Interlocked.Exchange(ref s_watching, 1) == 0)
        {
            Sentinel.Drop(s_process);
        }
        return s_process;
    }

    internal void AddTo(HistogramReading reading) => _pauses.AddTo(reading, Now);

    private static long Now => (long)Stopwatch.GetElapsedTime(0).TotalMilliseconds;

    /// <summary>On the finalizer's thread. Collections that followed too quickly to be told apart share their
    /// time.</summary>
    private void Note()
    {
        int collections = GC.CollectionCount(0);
        TimeSpan paused = GC.GetTotalPauseDuration();
        int count = collections - _collections;
        for (int i = 0; i < count; i++)
        {
            _pauses.Record(Now, (long)((paused - _paused).TotalMicroseconds / count));
        }
        _collections = collections;
        _paused = paused;
    }

    private sealed class Sentinel(GcPauses pauses)
    {
        ~Sentinel()
        {
            pauses.Note();
            // Not registered again: it has grown a generation older and would miss the next young collection.
            Drop(pauses);
        }

        public static void Drop(GcPauses pauses) => _ = new Sentinel(pauses);
    }
}
