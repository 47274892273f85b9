using System.Globalization;

namespace FastGate.EndToEnd.Chaos;

/// <summary>Compares a body with what it must be while it comes. Whatever breaks off throws, as the wire
/// does.</summary>
internal sealed class ExpectedBody(ReadOnlyMemory<byte> content)
{
    /// <summary>How many bytes were right.</summary>
    public int Position { get; private set; }

    public bool IsRight { get; private set; } = true;

    public bool IsWhole => IsRight && Position == content.Length;

    /// <returns>True at the end of so many bytes; false as soon as one is wrong.</returns>
    public async Task<bool> ReadAsync(AsyncWire wire, int bytes)
    {
        while (bytes > 0)
        {
            ReadOnlyMemory<byte> some = await wire.ReadSomeAsync(bytes);
            if (some.IsEmpty)
            {
                throw new EndOfStreamException();
            }
            if (!Take(some))
            {
                return false;
            }
            bytes -= some.Length;
        }
        return true;
    }

    /// <summary>Up to the orderly end of the connection.</summary>
    public async Task<bool> ReadToEndAsync(AsyncWire wire)
    {
        while (await wire.ReadSomeAsync(int.MaxValue) is { IsEmpty: false } some)
        {
            if (!Take(some))
            {
                return false;
            }
        }
        return true;
    }

    /// <summary>Up to the end of the last chunk's trailers.</summary>
    public async Task<bool> ReadChunksAsync(AsyncWire wire)
    {
        while (true)
        {
            int length = int.Parse(await wire.ReadLineAsync(), NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            if (length == 0)
            {
                while (await wire.ReadLineAsync() != "")
                {
                }
                return true;
            }
            if (!await ReadAsync(wire, length))
            {
                return false;
            }
            if (await wire.ReadLineAsync() != "")
            {
                return IsRight = false;
            }
        }
    }

    private bool Take(ReadOnlyMemory<byte> some)
    {
        int left = content.Length - Position;
        if (some.Length > left || !some.Span.SequenceEqual(content.Span.Slice(Position, some.Length)))
        {
            return IsRight = false;
        }
        Position += some.Length;
        return true;
    }
}
