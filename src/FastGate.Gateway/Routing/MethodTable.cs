using System.Numerics;
using System.Text;
using FastGate.Http;

namespace FastGate.Gateway.Routing;

/// <summary>The methods that the routes of one table name, each a bit: the known ones by their <see cref="Method"/>,
/// then the others in alphabetical order. Immutable once the table is built.</summary>
internal sealed class MethodTable
{
    private const int KnownCount = (int)Method.Patch + 1;

    private static readonly string[] s_known =
        ["", "GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"];

    private readonly byte[][] _names;

    /// <summary>A table with these methods beyond the known ones, at most <see
    /// cref="RoutingLimits.CustomMethodsMax"/>.</summary>
    public MethodTable(IEnumerable<string> customMethods)
    {
        string[] custom = [.. customMethods.Except(s_known).Distinct().Order(StringComparer.Ordinal)];
        ArgumentOutOfRangeException.ThrowIfGreaterThan(custom.Length, RoutingLimits.CustomMethodsMax);
        _names = [.. s_known.Concat(custom).Select(Encoding.ASCII.GetBytes)];
    }

    /// <summary>One of the methods that HTTP itself defines.</summary>
    public static bool IsKnown(string method) => method.Length > 0 && s_known.Contains(method);

    public ReadOnlySpan<byte> NameOf(int bit) => _names[bit];

    /// <summary>The bit of a request's method; 0 for one that no route names.</summary>
    public ulong BitOf(Method method, ReadOnlySpan<byte> name)
    {
        if (method != Method.Other)
        {
            return 1UL << (int)method;
        }
        for (int i = KnownCount; i < _names.Length; i++)
        {
            if (name.SequenceEqual(_names[i]))
            {
                return 1UL << i;
            }
        }
        return 0;
    }

    /// <summary>The bits of a pattern's methods with the HEAD that GET implies; 0 for every method. A
    /// method that the table does not have is left out.</summary>
    public ulong BitsOf(IReadOnlyList<string> methods)
    {
        ulong bits = 0;
        foreach (string method in methods)
        {
            byte[] name = Encoding.ASCII.GetBytes(method);
            int bit = Array.FindIndex(_names, n => n.AsSpan().SequenceEqual(name));
            bits |= bit < 0 ? 0 : 1UL << bit;
        }
        const ulong Get = 1UL << (int)Method.Get;
        return (bits & Get) != 0 ? bits | (1UL << (int)Method.Head) : bits;
    }
}

/// <summary>A set of methods: the value of <c>Allow</c>.</summary>
internal readonly struct MethodSet(MethodTable? table, ulong bits)
{
    public bool IsEmpty => bits == 0;

    public bool Contains(Method method, ReadOnlySpan<byte> name) =>
        table is not null && (bits & table.BitOf(method, name)) != 0;

    /// <summary>Bytes that <see cref="TryWrite"/> needs.</summary>
    public int Length
    {
        get
        {
            int length = 0;
            for (ulong rest = bits; rest != 0; rest &= rest - 1)
            {
                length += table!.NameOf(BitOperations.TrailingZeroCount(rest)).Length + 2;
            }
            return Math.Max(0, length - 2);
        }
    }

    /// <summary>Writes <c>GET, HEAD, POST</c>; false when it does not fit.</summary>
    public bool TryWrite(Span<byte> destination, out int written)
    {
        written = 0;
        for (ulong rest = bits; rest != 0; rest &= rest - 1)
        {
            ReadOnlySpan<byte> name = table!.NameOf(BitOperations.TrailingZeroCount(rest));
            if (destination.Length - written < name.Length + (written == 0 ? 0 : 2))
            {
                return false;
            }
            if (written > 0)
            {
                ", "u8.CopyTo(destination[written..]);
                written += 2;
            }
            name.CopyTo(destination[written..]);
            written += name.Length;
        }
        return true;
    }

    public override string ToString()
    {
        byte[] text = new byte[Length];
        TryWrite(text, out int written);
        return Encoding.ASCII.GetString(text, 0, written);
    }
}
