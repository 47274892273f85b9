using System.Buffers;
using System.Buffers.Binary;

namespace FastGate.Gateway.Stats;

/// <summary>Makes the ids of one lane's requests: 32 lower-case hexadecimal digits, which is also the form of a W3C
/// trace id. The first half is random per process; the second is a counter of the lane, scrambled by a bijection with
/// a key of the process. Within a process no id comes twice (2^16 lanes, 2^48 requests each); two processes collide
/// if their 64 random bits do. An id names a request, it is no secret.</summary>
internal sealed class RequestIds
{
    public const int Length = 32;

    /// <summary>An id that a trusted proxy sends is not longer, or it is not taken over.</summary>
    public const int IncomingBytesMax = 128;

    private const int LaneShift = 48;
    private const int HalfLength = Length / 2;

    private static readonly byte[] s_process = NewKey();

    /// <summary>tchar (RFC 9110 section 5.6.2): none of them can end a header field, a JSON string or a log
    /// field.</summary>
    private static readonly SearchValues<byte> s_token = SearchValues.Create(
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"u8);

    private readonly byte[] _prefix = new byte[HalfLength];
    private readonly ulong _key;
    private ulong _next;

    public RequestIds(int lane)
    {
        Convert.TryToHexStringLower(s_process.AsSpan(0, 8), _prefix, out _);
        _key = BinaryPrimitives.ReadUInt64LittleEndian(s_process.AsSpan(8));
        _next = (ulong)lane << LaneShift;
    }

    /// <summary>Writes the next id into the first <see cref="Length"/> bytes.</summary>
    public void Write(Span<byte> destination)
    {
        _prefix.CopyTo(destination);
        Span<byte> half = stackalloc byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(half, Scramble(_next++ ^ _key));
        Convert.TryToHexStringLower(half, destination[HalfLength..], out _);
    }

    /// <summary>Whether an id that came from a trusted proxy may be kept.</summary>
    public static bool IsValid(ReadOnlySpan<byte> id) =>
        id.Length is > 0 and <= IncomingBytesMax && !id.ContainsAnyExcept(s_token);

    /// <summary>From the runtime's generator, which the system seeds: the cryptographic one would make libssl a
    /// condition of the program's start, for something that is no secret.</summary>
    private static byte[] NewKey()
    {
        byte[] key = new byte[16];
        Random.Shared.NextBytes(key);
        return key;
    }

    // The finaliser of splitmix64: each step can be undone, so different counters stay different.
    private static ulong Scramble(ulong value)
    {
        value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9;
        value = (value ^ (value >> 27)) * 0x94D049BB133111EB;
        return value ^ (value >> 31);
    }
}
