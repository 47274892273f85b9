using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Text;
using FastGate.Http;

namespace FastGate.Gateway.Routing;

/// <summary>One or several <see cref="RequestKey"/>s of a route's requests as one number, for whoever must send what
/// has the same key the same way. The number depends on nothing but the request, so every process and every start
/// agrees on it. Values are brought to the form in which <c>when</c> compares them; where a name occurs more than once,
/// its first value counts. Immutable; asking allocates nothing.</summary>
internal sealed class RequestHash
{
    private const int ChunkBytes = 256;

    private readonly Part[] _parts;
    private readonly byte[] _route;

    private readonly record struct Part(RequestKey Key, byte[] Name, int Slot);

    /// <param name="keys">At least one.</param>
    /// <param name="names">Of the route's patterns.</param>
    /// <param name="route">The route's name.</param>
    public RequestHash(IEnumerable<RequestKey> keys, RouteNames names, string route)
    {
        _route = Encoding.UTF8.GetBytes(route);
        _parts = [.. keys.Select(key => new Part(key, Encoding.UTF8.GetBytes(key.Name),
            key.Source == KeySource.Path ? names.SlotOf(key.Name) : -1))];
    }

    /// <summary>0 when the request has none of the keys, and only then.</summary>
    /// <param name="request">The request.</param>
    /// <param name="captures">What its path was matched to.</param>
    public ulong Of(in RouteRequest request, in RouteCaptures captures)
    {
        var hash = new Mixer();
        bool found = false;
        foreach (ref readonly Part part in _parts.AsSpan())
        {
            int length = Add(ref hash, part, request, captures);
            // The length parts the values of a composite, and an absent one from an empty one.
            hash.Add((ulong)(length + 1));
            found |= length >= 0;
        }
        return found ? hash.Result : 0;
    }

    /// <returns>Bytes of the value; -1 where there is none.</returns>
    private int Add(ref Mixer hash, in Part part, in RouteRequest request, in RouteCaptures captures) =>
        part.Key.Source switch
        {
            KeySource.Header => AddHeader(ref hash, part.Name, request.Head, request.HeadBytes),
            KeySource.Query => AddQuery(ref hash, part.Name, request.Head.Query.Of(request.HeadBytes)),
            KeySource.Cookie => AddCookie(ref hash, part.Name, request.Head, request.HeadBytes),
            KeySource.Ip => AddAddress(ref hash, part.Key, request.ClientIp),
            KeySource.Path => AddCapture(ref hash, part, request.Path, captures),
            KeySource.Host => AddLower(ref hash,
                HostPattern.NameOf(request.Host, stackalloc byte[HostPattern.WrittenBytesMax])),
            KeySource.Method => AddPlain(ref hash, request.Method == Method.Head ? "GET"u8 : request.MethodName),
            KeySource.Route => AddPlain(ref hash, _route),
            _ => 0,
        };

    private static int AddPlain(ref Mixer hash, ReadOnlySpan<byte> value)
    {
        hash.Add(value);
        return value.Length;
    }

    private static int AddHeader(ref Mixer hash, byte[] name, RequestHead head, ReadOnlySpan<byte> headBytes)
    {
        foreach (ref readonly Header header in head.Headers.Items)
        {
            if (header.Name.Length == name.Length && RequestFields.IsSeen(head, header)
                && Ascii.EqualsIgnoreCase(header.Name.Of(headBytes), name))
            {
                return AddPlain(ref hash, header.Value.Of(headBytes));
            }
        }
        return -1;
    }

    private static int AddCookie(ref Mixer hash, byte[] name, RequestHead head, ReadOnlySpan<byte> headBytes)
    {
        if (!head.Headers.Has(HeaderId.Cookie))
        {
            return -1;
        }
        foreach (ref readonly Header header in head.Headers.Items)
        {
            ReadOnlySpan<byte> rest = header.Id == HeaderId.Cookie ? header.Value.Of(headBytes) : default;
            while (RequestFields.NextCookie(ref rest, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> value))
            {
                if (found.SequenceEqual(name))
                {
                    return AddPlain(ref hash, value);
                }
            }
        }
        return -1;
    }

    private static int AddQuery(ref Mixer hash, byte[] name, ReadOnlySpan<byte> query)
    {
        while (RequestFields.NextParameter(ref query, out ReadOnlySpan<byte> found, out ReadOnlySpan<byte> value))
        {
            if (RequestFields.DecodedEquals(found, name, plusIsSpace: true))
            {
                return AddDecoded(ref hash, value, plusIsSpace: true);
            }
        }
        return -1;
    }

    private static int AddAddress(ref Mixer hash, in RequestKey key, IpNumber? address)
    {
        if (address is not { } ip)
        {
            return -1;
        }
        UInt128 network = ip.Network(key.V4Bits, key.V6Bits).Value;
        hash.Add((ulong)(network >> 64));
        hash.Add((ulong)network);
        return 16;
    }

    /// <summary>A name that the matched pattern does not have is absent, and so is an empty <c>{rest}</c>.</summary>
    private static int AddCapture(ref Mixer hash, in Part part, ReadOnlySpan<byte> path, in RouteCaptures captures)
    {
        Slice value = part.Key.Name == "rest" ? captures.Rest : part.Slot < 0 ? default : captures[part.Slot];
        return value.IsEmpty ? -1 : AddDecoded(ref hash, value.Of(path), plusIsSpace: false);
    }

    private static int AddLower(ref Mixer hash, ReadOnlySpan<byte> value)
    {
        Span<byte> chunk = stackalloc byte[ChunkBytes];
        int length = value.Length;
        while (!value.IsEmpty)
        {
            ReadOnlySpan<byte> piece = value[..Math.Min(value.Length, ChunkBytes)];
            for (int i = 0; i < piece.Length; i++)
            {
                byte b = piece[i];
                chunk[i] = b is >= (byte)'A' and <= (byte)'Z' ? (byte)(b | 0x20) : b;
            }
            hash.Add(chunk[..piece.Length]);
            value = value[piece.Length..];
        }
        return length == 0 ? -1 : length;
    }

    private static int AddDecoded(ref Mixer hash, ReadOnlySpan<byte> encoded, bool plusIsSpace)
    {
        if (encoded.IndexOf((byte)'%') < 0 && (!plusIsSpace || encoded.IndexOf((byte)'+') < 0))
        {
            return AddPlain(ref hash, encoded);
        }
        Span<byte> chunk = stackalloc byte[ChunkBytes];
        int filled = 0;
        int length = 0;
        while (!encoded.IsEmpty)
        {
            byte b = encoded[0];
            int read = 1;
            if (b == (byte)'+' && plusIsSpace)
            {
                b = (byte)' ';
            }
            else if (b == (byte)'%' && PathNormalizer.TryReadEscape(encoded, out byte decoded))
            {
                b = decoded;
                read = 3;
            }
            encoded = encoded[read..];
            chunk[filled++] = b;
            length++;
            if (filled == ChunkBytes || encoded.IsEmpty)
            {
                hash.Add(chunk[..filled]);
                filled = 0;
            }
        }
        return length;
    }

    /// <summary>Multiplies and folds, eight bytes at a time. Whoever chooses keys to collide chooses one key for all of
    /// them anyway; bounded loads answer both.</summary>
    private struct Mixer()
    {
        private const ulong Odd = 0x9E3779B97F4A7C15;
        private ulong _state = 0x2545F4914F6CDD1D;

        /// <summary>Never 0.</summary>
        public readonly ulong Result => Fold(_state) is not 0 and var result ? result : 1;

        public void Add(ulong word) => _state = Fold(_state ^ word);

        /// <summary>Pieces of a value that is added in several have a multiple of eight bytes, save the last.</summary>
        public void Add(ReadOnlySpan<byte> bytes)
        {
            while (bytes.Length >= 8)
            {
                Add(BinaryPrimitives.ReadUInt64LittleEndian(bytes));
                bytes = bytes[8..];
            }
            if (bytes.IsEmpty)
            {
                return;
            }
            ulong last = 0;
            bytes.CopyTo(MemoryMarshal.AsBytes(new Span<ulong>(ref last)));
            Add(BitConverter.IsLittleEndian ? last : BinaryPrimitives.ReverseEndianness(last));
        }

        private static ulong Fold(ulong value)
        {
            ulong high = Math.BigMul(value ^ (value >> 32), Odd, out ulong low);
            return high ^ low;
        }
    }
}
