using System.Buffers.Binary;
using System.Buffers.Text;

namespace FastGate.Gateway.Proxy;

/// <summary>Where a lane has the IPv4 address in text of the peer that it was last asked for. An exchange asks more
/// than once, and to write it takes less than to look for a text of each connection's own, which thousands of them
/// would keep for nothing.</summary>
internal sealed class PeerText
{
    private readonly byte[] _text = new byte["255.255.255.255".Length];
    private int _length;
    private uint _of;

    /// <returns>Dotted decimal, good until the next call.</returns>
    public ReadOnlySpan<byte> Of(ReadOnlySpan<byte> v4)
    {
        uint address = BinaryPrimitives.ReadUInt32BigEndian(v4);
        if (address != _of || _length == 0)
        {
            Write(v4);
            _of = address;
        }
        return _text.AsSpan(0, _length);
    }

    private void Write(ReadOnlySpan<byte> v4)
    {
        _length = 0;
        foreach (byte part in v4)
        {
            if (_length > 0)
            {
                _text[_length++] = (byte)'.';
            }
            Utf8Formatter.TryFormat(part, _text.AsSpan(_length), out int written);
            _length += written;
        }
    }
}
