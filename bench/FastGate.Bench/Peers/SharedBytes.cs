using System.Buffers;
using FastGate.Net;
using FastGate.Net.Buffers;

namespace FastGate.Bench.Peers;

/// <summary>Bytes that any number of connections of one lane send at the same time without a copy.</summary>
internal static class SharedBytes
{
    /// <summary>Puts <paramref name="bytes"/> into buffers of <paramref name="lane"/>, whose thread calls. They are
    /// never returned.</summary>
    public static ReadOnlySequence<byte> Of(Lane lane, ReadOnlySpan<byte> bytes)
    {
        Segment first = lane.Buffers.RentLarge();
        Segment last = first;
        while (true)
        {
            int count = Math.Min(last.Free, bytes.Length);
            bytes[..count].CopyTo(last.FreeSpan);
            last.Advance(count);
            bytes = bytes[count..];
            if (bytes.IsEmpty)
            {
                return new ReadOnlySequence<byte>(first, 0, last, last.Length);
            }
            Segment next = lane.Buffers.RentLarge();
            last.Append(next);
            last = next;
        }
    }
}
