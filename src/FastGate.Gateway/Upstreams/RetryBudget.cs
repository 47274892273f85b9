using System.Runtime.InteropServices;

namespace FastGate.Gateway.Upstreams;

/// <summary>How often requests to an upstream may be tried again, so that an outage is not multiplied: each request
/// earns its share of a retry, which can be spent for <see cref="KeptMs"/> at most, and besides there is a floor of so
/// many a second. In any time no more is spent than its requests and those of the <see cref="KeptMs"/> before it have
/// earned, and the floor's rate, and a second of the floor.
/// <para>What requests earn is counted by their lane, which shares nothing. The floor is one for the process and
/// touched only by a retry whose lane has earned nothing.</para></summary>
public sealed class RetryBudget(int laneCount)
{
    /// <summary>A retry costs so many hundredths.</summary>
    private const int Cost = 100;

    /// <summary>Two halves are kept, and the older one is dropped as a whole.</summary>
    private const long HalfMs = 5_000;

    /// <summary>After that at the latest what a request has earned is gone.</summary>
    public const long KeptMs = 2 * HalfMs;

    private const long DayUs = 86_400_000_000;
    private const long SecondUs = 1_000_000;

    private readonly Cell[] _cells = new Cell[laneCount];
    private long _floorUs;
    private long _floorDue;

    /// <summary>Requests earn something here, or there is a floor. Before the first request.</summary>
    public bool IsOn { get; private set; }

    /// <summary>A route comes here whose requests may be tried again within a budget; of several floors the highest
    /// counts. Before the first request.</summary>
    /// <param name="floorPerDay">Retries a day that need not be earned.</param>
    public void Open(long floorPerDay)
    {
        IsOn = true;
        if (floorPerDay > 0)
        {
            long us = Math.Max(1, DayUs / floorPerDay);
            _floorUs = _floorUs == 0 ? us : Math.Min(us, _floorUs);
        }
    }

    /// <summary>A request has come.</summary>
    /// <param name="lane">The index of the caller's lane.</param>
    /// <param name="percent">Its share of a retry.</param>
    /// <param name="now">The lane's milliseconds.</param>
    public void Earn(int lane, int percent, long now)
    {
        ref Cell cell = ref _cells[lane];
        Turn(ref cell, now);
        Volatile.Write(ref cell.Earned, cell.Earned + percent);
    }

    /// <summary>Whether one retry could be paid for now.</summary>
    public bool CanSpend(int lane, long now)
    {
        ref Cell cell = ref _cells[lane];
        Turn(ref cell, now);
        return cell.EarnedBefore + cell.Earned >= Cost
            || (_floorUs > 0 && FloorAfter(Volatile.Read(ref _floorDue), now) <= (now * 1_000) + FloorKeptUs);
    }

    /// <summary>Takes what one retry costs, and counts it.</summary>
    /// <returns>False when there is not enough; then nothing was taken.</returns>
    public bool TrySpend(int lane, long now)
    {
        ref Cell cell = ref _cells[lane];
        Turn(ref cell, now);
        if (cell.EarnedBefore + cell.Earned >= Cost)
        {
            // What is lost sooner goes first.
            long before = Math.Min(Cost, cell.EarnedBefore);
            Volatile.Write(ref cell.EarnedBefore, cell.EarnedBefore - before);
            Volatile.Write(ref cell.Earned, cell.Earned - (Cost - before));
        }
        else if (!TrySpendFloor(now))
        {
            return false;
        }
        Volatile.Write(ref cell.Charged, cell.Charged + 1);
        return true;
    }

    /// <summary>Counts a retry that costs nothing: no byte had reached a server.</summary>
    public void CountFree(int lane)
    {
        ref long free = ref _cells[lane].Free;
        Volatile.Write(ref free, free + 1);
    }

    /// <summary>Retries since the start: those that were paid for, and the others. Any thread.</summary>
    public (long Charged, long Free) Sum()
    {
        long charged = 0;
        long free = 0;
        for (int i = 0; i < _cells.Length; i++)
        {
            charged += Volatile.Read(ref _cells[i].Charged);
            free += Volatile.Read(ref _cells[i].Free);
        }
        return (charged, free);
    }

    /// <summary>Retries that could be paid for now, of all lanes together. Any thread; a moment old.</summary>
    /// <param name="now">In the lanes' milliseconds.</param>
    public long Left(long now)
    {
        long left = 0;
        for (int i = 0; i < _cells.Length; i++)
        {
            ref Cell cell = ref _cells[i];
            long age = now - Volatile.Read(ref cell.Since);
            long earned = age >= KeptMs ? 0 : Volatile.Read(ref cell.Earned);
            left += (earned + (age >= HalfMs ? 0 : Volatile.Read(ref cell.EarnedBefore))) / Cost;
        }
        if (_floorUs == 0)
        {
            return left;
        }
        long nowUs = now * 1_000;
        return left + ((nowUs + FloorKeptUs - Math.Max(Volatile.Read(ref _floorDue), nowUs)) / _floorUs);
    }

    /// <summary>A second of the floor can be spent at once, and one retry where that is less.</summary>
    private long FloorKeptUs => Math.Max(SecondUs, _floorUs);

    /// <summary>The floor as the time until which it is spent: one number, so that no lock is needed.</summary>
    private bool TrySpendFloor(long now)
    {
        if (_floorUs == 0)
        {
            return false;
        }
        long seen = Volatile.Read(ref _floorDue);
        while (true)
        {
            long due = FloorAfter(seen, now);
            if (due > (now * 1_000) + FloorKeptUs)
            {
                return false;
            }
            long was = Interlocked.CompareExchange(ref _floorDue, due, seen);
            if (was == seen)
            {
                return true;
            }
            seen = was;
        }
    }

    /// <summary>Until when the floor is spent once one more was taken of it.</summary>
    private long FloorAfter(long due, long now) => Math.Max(due, now * 1_000) + _floorUs;

    private static void Turn(ref Cell cell, long now)
    {
        long age = now - cell.Since;
        if (age >= HalfMs)
        {
            Volatile.Write(ref cell.EarnedBefore, age < KeptMs ? cell.Earned : 0);
            Volatile.Write(ref cell.Earned, 0);
            Volatile.Write(ref cell.Since, now);
        }
    }

    /// <summary>Cache lines of its own, so that lanes do not slow each other down.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 128)]
    private struct Cell
    {
        [FieldOffset(64)]
        public long Since;
        /// <summary>Hundredths of retries, since then.</summary>
        [FieldOffset(72)]
        public long Earned;
        /// <summary>And in the half before.</summary>
        [FieldOffset(80)]
        public long EarnedBefore;
        [FieldOffset(88)]
        public long Charged;
        [FieldOffset(96)]
        public long Free;
    }
}
