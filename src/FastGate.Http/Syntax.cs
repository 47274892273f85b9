using System.Buffers;

namespace FastGate.Http;

/// <summary>The character classes of the grammar (RFC 9110 section 5.6, RFC 3986).</summary>
internal static class Syntax
{
    private const string TokenChars =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    public static readonly SearchValues<byte> Token =
        SearchValues.Create(System.Text.Encoding.ASCII.GetBytes(TokenChars));

    /// <summary>Every byte that may not stand in a line: controls but HTAB, and DEL. CR and LF are among
    /// them.</summary>
    public static readonly SearchValues<byte> Control = SearchValues.Create(
        [.. Enumerable.Range(0, 0x20).Where(static b => b != '\t').Select(static b => (byte)b), 0x7F]);

    /// <summary>What may stand in a request target: visible ASCII but <c>#</c>, <c>"</c>, <c>&lt;</c>, <c>&gt;</c>,
    /// <c>\</c>, <c>^</c>, <c>`</c>, <c>{</c>, <c>|</c>, <c>}</c>; those of the last group that clients send raw all
    /// the same (<c>"&lt;&gt;^`{|}</c>) are let through, for they have one reading only.</summary>
    public static readonly SearchValues<byte> Target = SearchValues.Create(
        [.. Enumerable.Range(0x21, 0x7E - 0x20).Where(static b => b is not ('#' or '\\')).Select(static b => (byte)b)]);

    /// <summary>reg-name and port, without brackets; not the comma, which would make two hosts of it.</summary>
    public static readonly SearchValues<byte> HostName = SearchValues.Create(
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._~!$&'()*+;=%"u8);

    public static readonly SearchValues<byte> Ipv6 = SearchValues.Create("0123456789ABCDEFabcdef:."u8);

    public static bool IsToken(ReadOnlySpan<byte> text) => !text.IsEmpty && !text.ContainsAnyExcept(Token);

    /// <summary>The list element at the start of <paramref name="list"/>, trimmed; the list moves on behind
    /// it.</summary>
    public static ReadOnlySpan<byte> NextElement(ref ReadOnlySpan<byte> list)
    {
        int comma = list.IndexOf((byte)',');
        ReadOnlySpan<byte> element = comma < 0 ? list : list[..comma];
        list = comma < 0 ? default : list[(comma + 1)..];
        return element.Trim(" \t"u8);
    }
}
