namespace FastGate.Http;

/// <summary>Watches a head that comes in pieces for its end, so that it is parsed twice at the most however slowly it
/// dribbles: every byte is searched once.</summary>
internal static class HeadScan
{
    /// <summary>Complete when the empty line may be there; otherwise Incomplete, or the rule broken since
    /// <paramref name="scanned"/>.</summary>
    public static ParseStatus Continue(ReadOnlySpan<byte> data, int headBytesMax, ref int scanned)
    {
        if (data[Math.Max(scanned - 3, 0)..].IndexOf("\r\n\r\n"u8) >= 0)
        {
            return ParseStatus.Complete;
        }
        int position = scanned;
        while (true)
        {
            ParseStatus status = FieldParser.FindLineEnd(data, position, position, out int end);
            if (status != ParseStatus.Complete)
            {
                scanned = end;
                return status == ParseStatus.Incomplete && data.Length > headBytesMax ? ParseStatus.Complete : status;
            }
            position = end + 2;
        }
    }
}
