using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.Fuzz.Targets;

/// <summary>One call of a parser with everything received so far.</summary>
internal delegate ParseStatus PieceParser(ReadOnlySpan<byte> data, ref int scanned);

/// <summary>A message as a connection brings it, cut at places that depend on its bytes alone, so that every violation
/// happens again.</summary>
/// <param name="First">Bytes of the first piece.</param>
/// <param name="Step">Bytes of each further piece.</param>
internal readonly record struct Pieces(int First, int Step)
{
    private const int StepsMax = 64;

    /// <summary>Byte by byte, and two ways more.</summary>
    public static Pieces[] Of(ReadOnlySpan<byte> bytes)
    {
        uint hash = 2166136261;
        foreach (byte b in bytes)
        {
            hash = (hash ^ b) * 16777619;
        }
        int step = 2 + (int)(hash % (StepsMax - 1));
        int first = 1 + (int)((hash >> 8) % (uint)Math.Max(bytes.Length, 1));
        return [new Pieces(1, 1), new Pieces(step, step), new Pieces(first, int.MaxValue)];
    }

    /// <summary>Shows a growing message until the parser has said what it is.</summary>
    /// <param name="bytes">The whole message.</param>
    /// <param name="parse">The parser.</param>
    /// <param name="end">How many bytes it had seen by then.</param>
    public ParseStatus Feed(byte[] bytes, PieceParser parse, out int end)
    {
        int scanned = 0;
        end = 0;
        while (true)
        {
            end = (int)Math.Min((long)end + (end == 0 ? First : Step), bytes.Length);
            ParseStatus status = parse(bytes.AsSpan(0, end), ref scanned);
            if (status == ParseStatus.Incomplete)
            {
                Demand.That(scanned >= end - 1 && scanned <= end, $"of {end} bytes {scanned} were searched");
            }
            if (status != ParseStatus.Incomplete || end == bytes.Length)
            {
                return status;
            }
        }
    }

    /// <summary>However a message is cut, it is read the same. Only, one that comes in pieces is not looked at for most
    /// rules before its empty line is there, and a line further on may break one that is seen at once.</summary>
    public static void Agree(ParseStatus whole, ParseStatus pieces, byte[] bytes)
    {
        if (whole == pieces)
        {
            return;
        }
        string both = $"{whole} whole, {pieces} in pieces";
        Demand.That(whole is not (ParseStatus.Complete or ParseStatus.Incomplete), both);
        if (pieces == ParseStatus.Incomplete)
        {
            Demand.That(!bytes.AsSpan().EndsWith("\r\n\r\n"u8), $"{both}, and its empty line is there");
            Demand.That(bytes.Length <= MessageCases.Limits.HeadBytesMax, $"{both}, and it is too large");
            return;
        }
        Demand.That(pieces is ParseStatus.BareLf or ParseStatus.BareCr or ParseStatus.ControlByte
            or ParseStatus.HeadTooLarge or ParseStatus.TargetTooLong or ParseStatus.MethodTooLong, both);
    }
}
