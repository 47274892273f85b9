using System.Buffers.Text;

namespace FastGate.Http;

/// <summary>Writes a head, or any text of ASCII pieces, into one span. The caller makes the span large enough; a write
/// past its end is a bug and throws.</summary>
public ref struct HeadWriter(Span<byte> target)
{
    private readonly Span<byte> _target = target;

    /// <summary>Bytes written.</summary>
    public int Length { get; private set; }

    public readonly Span<byte> Free => _target[Length..];

    public void Advance(int bytes) => Length += bytes;

    public void Raw(scoped ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_target[Length..]);
        Length += bytes.Length;
    }

    public void Field(scoped ReadOnlySpan<byte> name, scoped ReadOnlySpan<byte> value)
    {
        Raw(name);
        Raw(": "u8);
        Raw(value);
        Raw("\r\n"u8);
    }

    public void Number(long number)
    {
        Utf8Formatter.TryFormat(number, _target[Length..], out int written);
        Length += written;
    }

    /// <summary>The status line with the sender's own reason phrase, or the usual one where it is empty.</summary>
    public void StatusLine(int status, scoped ReadOnlySpan<byte> reason)
    {
        ReadOnlySpan<byte> usual = StatusText.Line(status);
        if (!usual.IsEmpty && (reason.IsEmpty || usual[13..^2].SequenceEqual(reason)))
        {
            Raw(usual);
            return;
        }
        Raw("HTTP/1.1 "u8);
        Number(status);
        Raw(" "u8);
        Raw(reason);
        Raw("\r\n"u8);
    }

    /// <summary>Copies the fields that go on, in order and as they were sent: neighbours in one run. Only what is
    /// <see cref="HeaderFlags.Reshaped"/> is written anew, never longer than it was.</summary>
    /// <param name="head">The bytes the table refers to.</param>
    /// <param name="headers">The fields.</param>
    /// <param name="leaveOut">Bits of the ids that are written by somebody else, or not at all.</param>
    public void CopyFields(scoped ReadOnlySpan<byte> head, HeaderTable headers, ulong leaveOut)
    {
        int runStart = 0;
        int runEnd = 0;
        foreach (ref readonly Header header in headers.Items)
        {
            bool stops = (header.Flags & HeaderFlags.HopByHop) != 0 || ((leaveOut >> (int)header.Id) & 1) != 0;
            bool reshaped = (header.Flags & HeaderFlags.Reshaped) != 0;
            if (!stops && !reshaped && header.Line.Offset == runEnd)
            {
                runEnd = header.Line.End;
                continue;
            }
            Raw(head[runStart..runEnd]);
            runStart = stops || reshaped ? header.Line.End : header.Line.Offset;
            runEnd = header.Line.End;
            if (reshaped && !stops)
            {
                Field(header.Name.Of(head), header.Value.Of(head));
            }
        }
        Raw(head[runStart..runEnd]);
    }
}
