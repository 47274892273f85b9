using System.Buffers;
using System.Text;
using FastGate.Http;
using FastGate.Net;

namespace FastGate.Gateway.Proxy;

/// <summary>A chunked body on its way through: decoded and checked as it comes, and written anew, so that only one
/// reading of it leaves us: no extensions, no odd sizes, no trailers that change the message's meaning.</summary>
internal struct ChunkedBody(HeadLimits limits)
{
    private ChunkedDecoder _decoder;
    private bool _inTrailers;
    private int _scanned;
    private TrailerEnd _trailerEnd;

    /// <summary>Data goes out as it is, without chunks: for a client that reads to the end of the connection.</summary>
    public bool Unframed { get; init; }

    /// <summary>What is done with trailers whose names have underscores.</summary>
    public UnderscoreHandling Underscores { get; init; } = UnderscoreHandling.Pass;

    /// <summary>What a rule removes or sets must not come behind the body instead: servers merge trailers into the
    /// fields of the head.</summary>
    public HeaderRules Rules { get; init; } = HeaderRules.None;

    /// <summary>Names of fields that decided something of the request, and must not come behind its body
    /// either.</summary>
    public byte[][] DecidingFields { get; init; } = [];

    /// <summary>Trailers do not go on: the head has said of some fields that they concern its connection
    /// only.</summary>
    public bool DropsTrailers { get; init; }

    /// <summary>The rule that was broken, as the access log names it.</summary>
    public byte[]? Rule { get; private set; }

    public enum State : byte
    {
        More,
        Ended,
        Broken,
        /// <summary>The trailers are more than a head may be.</summary>
        TrailersTooLarge,
    }

    public readonly record struct Progress(State State, SequencePosition Consumed, SequencePosition Examined,
        long DataBytes);

    /// <summary>Writes what is there to <paramref name="output"/>, without sending it.</summary>
    public Progress Copy(in ReadOnlySequence<byte> buffer, ConnectionWriter output, HeaderTable trailers)
    {
        long consumed = 0;
        long data = 0;
        while (!_inTrailers)
        {
            ReadOnlySpan<byte> span = buffer.Slice(consumed).FirstSpan;
            ChunkStep step = _decoder.Read(span, out int used, out Slice piece);
            consumed += used;
            if (!piece.IsEmpty)
            {
                data += piece.Length;
                Write(output, piece.Of(span));
            }
            switch (step)
            {
                case ChunkStep.LastChunk:
                    _inTrailers = true;
                    break;
                case ChunkStep.Broken:
                    Rule = RuleWords.Of(_decoder.Error);
                    return new Progress(State.Broken, buffer.End, buffer.End, data);
                case ChunkStep.NeedMore when consumed == buffer.Length:
                    return new Progress(State.More, buffer.End, buffer.End, data);
            }
        }
        Progress end = EndTrailers(buffer.Slice(consumed), output, trailers, data);
        // The table is the lane's, and nobody is charged for the room that a section of very many lines took.
        trailers.Shrink();
        return end;
    }

    private Progress EndTrailers(in ReadOnlySequence<byte> rest, ConnectionWriter output, HeaderTable trailers,
        long data)
    {
        if (!rest.IsSingleSegment && rest.Length <= limits.HeadBytesMax && !_trailerEnd.IsIn(rest))
        {
            return new Progress(State.More, rest.Start, rest.End, data);
        }
        // Trailers are rare and small: a section that straddles segments is copied, once all of it is here.
        ReadOnlySpan<byte> span = rest.IsSingleSegment ? rest.FirstSpan : rest.ToArray();
        ParseStatus status = TrailerParser.Parse(span, limits, trailers, ref _scanned, out int used);
        switch (status)
        {
            case ParseStatus.Incomplete:
                return new Progress(State.More, rest.Start, rest.End, data);
            case ParseStatus.Complete when trailers.HasUnderscores && Underscores == UnderscoreHandling.Refuse:
                Rule = RuleWords.UnderscoreHeaders;
                return new Progress(State.Broken, rest.End, rest.End, data);
            case ParseStatus.Complete:
                if (DropsTrailers)
                {
                    trailers.Clear();
                }
                if (!Unframed)
                {
                    Rules.Mark(trailers, span);
                    LeaveOut(DecidingFields, trailers, span);
                    WriteEnd(output, span, trailers);
                }
                SequencePosition end = rest.GetPosition(used);
                return new Progress(State.Ended, end, end, data);
            case ParseStatus.HeadTooLarge or ParseStatus.TooManyHeaders:
                Rule = RuleWords.Of(status);
                return new Progress(State.TrailersTooLarge, rest.End, rest.End, data);
            default:
                Rule = RuleWords.Of(status);
                return new Progress(State.Broken, rest.End, rest.End, data);
        }
    }

    private static void LeaveOut(byte[][] names, HeaderTable trailers, ReadOnlySpan<byte> section)
    {
        for (int i = 0; i < trailers.Count; i++)
        {
            foreach (byte[] name in names)
            {
                if (Ascii.EqualsIgnoreCase(trailers[i].Name.Of(section), name))
                {
                    trailers.LeaveOut(i);
                }
            }
        }
    }

    private readonly void Write(ConnectionWriter output, ReadOnlySpan<byte> piece)
    {
        if (Unframed)
        {
            output.Append(piece);
        }
        else
        {
            WriteChunk(output, piece);
        }
    }

    /// <summary>One chunk with its size line.</summary>
    public static void WriteChunk(ConnectionWriter output, ReadOnlySpan<byte> data)
    {
        Span<byte> room = output.GetSpan(ChunkedEncoder.SizeLineBytesMax);
        output.Advance(ChunkedEncoder.WriteSizeLine(room, data.Length));
        output.Append(data);
        output.Append("\r\n"u8);
    }

    private readonly void WriteEnd(ConnectionWriter output, ReadOnlySpan<byte> section, HeaderTable trailers)
    {
        HeaderFlags leftOut = Underscores == UnderscoreHandling.Drop
            ? HeaderFlags.HopByHop | HeaderFlags.Underscore
            : HeaderFlags.HopByHop;
        output.Append(ChunkedEncoder.LastChunk);
        foreach (ref readonly Header trailer in trailers.Items)
        {
            if ((trailer.Flags & leftOut) != 0)
            {
                continue;
            }
            if ((trailer.Flags & HeaderFlags.Reshaped) == 0)
            {
                output.Append(trailer.Line.Of(section));
                continue;
            }
            output.Append(trailer.Name.Of(section));
            output.Append(": "u8);
            output.Append(trailer.Value.Of(section));
            output.Append("\r\n"u8);
        }
        output.Append("\r\n"u8);
    }

    /// <summary>Looks for the empty line behind a section that straddles segments. It remembers how far it has looked:
    /// a client that dribbles must not have the whole section copied for every byte.</summary>
    private struct TrailerEnd
    {
        private long _looked;
        /// <summary>Bytes of CR LF CR LF that end what was looked at, less the two of the last chunk's own
        /// line.</summary>
        private int _matched;

        public bool IsIn(in ReadOnlySequence<byte> section)
        {
            foreach (ReadOnlyMemory<byte> piece in section.Slice(_looked))
            {
                foreach (byte b in piece.Span)
                {
                    _looked++;
                    bool isCr = b == (byte)'\r';
                    bool isNext = (_matched & 1) == 0 ? isCr : b == (byte)'\n';
                    _matched = isNext ? _matched + 1 : isCr ? -1 : -2;
                    if (_matched == 2)
                    {
                        _matched = 0;
                        return true;
                    }
                }
            }
            return false;
        }
    }
}
