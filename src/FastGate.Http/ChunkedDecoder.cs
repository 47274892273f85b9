namespace FastGate.Http;

/// <summary>What one call of <see cref="ChunkedDecoder.Read"/> found.</summary>
public enum ChunkStep : byte
{
    /// <summary>The input is used up.</summary>
    NeedMore,
    /// <summary>A piece of data, and perhaps more behind it.</summary>
    Data,
    /// <summary>The last chunk: the trailer section follows, for <see cref="TrailerParser"/>.</summary>
    LastChunk,
    /// <summary>A rule is broken; see <see cref="ChunkedDecoder.Error"/>.</summary>
    Broken,
}

/// <summary>Takes the chunked coding off a body (RFC 9112 section 7.1), piece by piece, keeping nothing. Sizes are
/// plain hexadecimal digits; extensions are checked, bounded and dropped.</summary>
public struct ChunkedDecoder
{
    /// <summary>Digits of a size, leading zeros included: 2^60 is more than any body.</summary>
    private const int DigitsMax = 15;
    /// <summary>Bytes of extensions of one chunk.</summary>
    public const int ExtensionBytesMax = 256;
    /// <summary>Bytes of extensions of a whole body: small chunks with long extensions are an attack on our
    /// time.</summary>
    public const int ExtensionBytesTotalMax = 16 * 1024;

    private enum State : byte
    {
        Size,
        SizeLf,
        Data,
        DataCr,
        DataLf,
        Ended,
        /// <summary>White space behind a size or an extension: one more has to follow.</summary>
        BeforeSemicolon,
        BeforeName,
        Name,
        /// <summary>White space behind a name: an equals sign or one more extension has to follow.</summary>
        AfterName,
        BeforeValue,
        Value,
        Quoted,
        Escaped,
        AfterQuoted,
    }

    private long _left;
    private State _state;
    private byte _digits;
    private int _extensionBytes;
    private int _extensionBytesTotal;

    /// <summary>The rule that is broken.</summary>
    public ParseStatus Error { get; private set; }

    /// <param name="input">What has come.</param>
    /// <param name="consumed">Bytes of it that are done with, the data included.</param>
    /// <param name="data">The data found, a slice of <paramref name="input"/>; empty for none.</param>
    public ChunkStep Read(ReadOnlySpan<byte> input, out int consumed, out Slice data)
    {
        data = default;
        consumed = 0;
        while (consumed < input.Length)
        {
            if (_state == State.Data)
            {
                int count = (int)Math.Min(_left, input.Length - consumed);
                data = new Slice(consumed, count);
                consumed += count;
                _left -= count;
                if (_left == 0)
                {
                    _state = State.DataCr;
                }
                return ChunkStep.Data;
            }
            ParseStatus error = Step(input[consumed]);
            if (error != ParseStatus.Complete)
            {
                Error = error;
                return ChunkStep.Broken;
            }
            consumed++;
            if (_state == State.Ended)
            {
                return ChunkStep.LastChunk;
            }
        }
        return ChunkStep.NeedMore;
    }

    private ParseStatus Step(byte b) => _state switch
    {
        State.Size => StepSize(b),
        State.SizeLf => b == (byte)'\n' ? EndSizeLine() : ParseStatus.BareCr,
        State.DataCr => Expect(b, (byte)'\r', State.DataLf),
        State.DataLf => Expect(b, (byte)'\n', State.Size),
        _ => StepExtension(b),
    };

    private ParseStatus Expect(byte b, byte wanted, State next)
    {
        _state = next;
        _digits = 0;
        return b == wanted ? ParseStatus.Complete : ParseStatus.ChunkEndMissing;
    }

    private ParseStatus StepSize(byte b)
    {
        int digit = HexDigit(b);
        if (digit >= 0)
        {
            if (++_digits > DigitsMax)
            {
                return ParseStatus.ChunkSizeOverflow;
            }
            _left = (_left << 4) | (uint)digit;
            return ParseStatus.Complete;
        }
        if (_digits == 0)
        {
            return b == (byte)'\n' ? ParseStatus.BareLf : ParseStatus.ChunkSizeMalformed;
        }
        switch (b)
        {
            case (byte)'\r':
                _state = State.SizeLf;
                return ParseStatus.Complete;
            case (byte)';':
                _state = State.BeforeName;
                _extensionBytes = 0;
                return ParseStatus.Complete;
            case (byte)' ' or (byte)'\t':
                _state = State.BeforeSemicolon;
                _extensionBytes = 0;
                return ParseStatus.Complete;
            case (byte)'\n':
                return ParseStatus.BareLf;
            default:
                return ParseStatus.ChunkSizeMalformed;
        }
    }

    private ParseStatus StepExtension(byte b)
    {
        if (++_extensionBytes > ExtensionBytesMax || ++_extensionBytesTotal > ExtensionBytesTotalMax)
        {
            return ParseStatus.ChunkExtensionTooLong;
        }
        if (b == (byte)'\n')
        {
            return ParseStatus.BareLf;
        }
        if (NextInExtension(b) is not { } next)
        {
            return ParseStatus.ChunkExtensionMalformed;
        }
        _state = next;
        return ParseStatus.Complete;
    }

    /// <summary>chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS ( token / quoted-string ) ] ): the state behind
    /// the byte, or null where it must not stand.</summary>
    private readonly State? NextInExtension(byte b) => (_state, b) switch
    {
        (State.Escaped, _) => IsText(b) ? State.Quoted : null,
        (State.Quoted, (byte)'"') => State.AfterQuoted,
        (State.Quoted, (byte)'\\') => State.Escaped,
        (State.Quoted, _) => IsText(b) ? State.Quoted : null,
        (State.Name or State.Value or State.AfterQuoted, (byte)'\r') => State.SizeLf,
        (State.BeforeName or State.BeforeValue, (byte)';') => null,
        (_, (byte)';') => State.BeforeName,
        (State.Name or State.AfterName, (byte)'=') => State.BeforeValue,
        (State.BeforeValue, (byte)'"') => State.Quoted,
        (State.Name or State.AfterName, (byte)' ' or (byte)'\t') => State.AfterName,
        (State.Value or State.AfterQuoted, (byte)' ' or (byte)'\t') => State.BeforeSemicolon,
        (State.BeforeSemicolon or State.BeforeName or State.BeforeValue, (byte)' ' or (byte)'\t') => _state,
        (State.BeforeName or State.Name, _) when Syntax.Token.Contains(b) => State.Name,
        (State.BeforeValue or State.Value, _) when Syntax.Token.Contains(b) => State.Value,
        _ => null,
    };

    private ParseStatus EndSizeLine()
    {
        _state = _left == 0 ? State.Ended : State.Data;
        return ParseStatus.Complete;
    }

    private static bool IsText(byte b) => b is (byte)'\t' or >= 0x20 and not 0x7F;

    private static int HexDigit(byte b) => b switch
    {
        >= (byte)'0' and <= (byte)'9' => b - '0',
        >= (byte)'a' and <= (byte)'f' => b - 'a' + 10,
        >= (byte)'A' and <= (byte)'F' => b - 'A' + 10,
        _ => -1,
    };
}
