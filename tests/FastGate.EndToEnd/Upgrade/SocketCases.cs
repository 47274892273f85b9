using System.Text;

namespace FastGate.EndToEnd.Upgrade;

/// <summary>How what a client sends is cut into packets.</summary>
internal enum Cut
{
    /// <summary>A packet for each frame.</summary>
    Frames,
    /// <summary>Everything in one.</summary>
    Whole,
    /// <summary>A packet for each byte.</summary>
    Bytes,
    /// <summary>Packets of a size that fits no frame.</summary>
    Odd,
    /// <summary>A packet for each frame, and none before the echo of the last one is there.</summary>
    InTurn,
    /// <summary>Everything in the packet that ends the request for the upgrade.</summary>
    WithRequest,
}

/// <summary>What one client says over its web socket. It reads what comes of it until the server ends.</summary>
internal sealed record SocketCase(string Title, Cut Cut, params byte[][] Frames)
{
    /// <summary>It ends with a frame that the server may not accept.</summary>
    public bool BreaksRule { get; init; }
}

/// <summary>In the order of the Autobahn test suite's categories: framing, pings and pongs, reserved bits, opcodes,
/// fragmentation, UTF-8, close handling, many and large messages.</summary>
internal static class SocketCases
{
    private static readonly byte[] s_greek = Encoding.UTF8.GetBytes("Hello-µ@ßöäüàá-κόσμε-𝒳!!");

    /// <summary>What is no UTF-8 (RFC 3629 section 3).</summary>
    private static readonly (string Name, byte[] Bytes)[] s_badText =
    [
        ("a surrogate", [0xED, 0xA0, 0x80]), ("above the last code point", [0xF4, 0x90, 0x80, 0x80]),
        ("overlong", [0xC0, 0xAF]), ("a continuation alone", [0x80]), ("cut off", [0xCE, 0xBA, 0xE1, 0xBD]),
        ("never a byte of it", [0xFF]), ("good, then bad", [.. s_greek, 0xED, 0xA0, 0x80, 0x65]),
    ];

    public static readonly IReadOnlyList<SocketCase> All =
    [
        .. Framing(), .. Pings(), .. ReservedBits(), .. Opcodes(), .. Fragmentation(), .. Texts(), .. Closes(), .. Many(),
    ];

    public static SocketCase Of(string title) => All.Single(each => each.Title == title);

    private static IEnumerable<SocketCase> Framing()
    {
        foreach (int size in (int[])[0, 1, 125, 126, 127, 128, 65_535, 65_536, 1 << 20])
        {
            foreach (Cut cut in size > 200 ? [Cut.Whole, Cut.Odd] : (Cut[])[Cut.Whole, Cut.Bytes, Cut.WithRequest])
            {
                yield return Good($"text of {size} bytes, {cut}", cut,
                    Frame.Of(Frame.Text, Letters(size)), Frame.Goodbye);
                yield return Good($"binary of {size} bytes, {cut}", cut,
                    Frame.Of(Frame.Binary, Noise(size)), Frame.Goodbye);
            }
        }
        yield return Good("65,536 bytes with the request", Cut.WithRequest,
            Frame.Of(Frame.Binary, Noise(65_536)), Frame.Goodbye);
        yield return Bad("an unmasked frame", Cut.Frames, Frame.Of(Frame.Text, "Hello"u8, masked: false));
    }

    private static IEnumerable<SocketCase> Pings()
    {
        foreach (int size in (int[])[0, 5, 124, 125])
        {
            foreach (Cut cut in (Cut[])[Cut.Frames, Cut.Bytes, Cut.WithRequest])
            {
                yield return Good($"a ping of {size} bytes, {cut}", cut, Frame.Ping(Noise(size)), Frame.Goodbye);
            }
        }
        yield return Bad("a ping of 126 bytes", Cut.Frames, Frame.Ping(Noise(126)));
        yield return Good("a pong that nobody asked for", Cut.Frames,
            Frame.Of(Frame.PongCode, []), Frame.Of(Frame.PongCode, "Hello"u8), Frame.Ping("Hello"u8), Frame.Goodbye);
        byte[][] ten = [.. Enumerable.Range(0, 10).Select(i => Frame.Ping([(byte)('0' + i)])), Frame.Goodbye];
        yield return Good("ten pings, Whole", Cut.Whole, ten);
        yield return Good("ten pings, Bytes", Cut.Bytes, ten);
    }

    private static IEnumerable<SocketCase> ReservedBits()
    {
        for (int bits = 1; bits < 8; bits++)
        {
            foreach (int opcode in (int[])[Frame.Text, Frame.Binary, Frame.PingCode, Frame.CloseCode])
            {
                byte[] bad = Frame.Of(opcode, opcode == Frame.CloseCode ? [0x03, 0xE8] : "Hello"u8, reserved: bits);
                yield return Bad($"reserved bits {bits} of opcode {opcode}", Cut.Frames, bad);
            }
        }
        yield return Bad("a reserved bit behind a good message", Cut.InTurn,
            Frame.Of(Frame.Text, "good"u8), Frame.Of(Frame.Text, "bad"u8, reserved: 4));
    }

    private static IEnumerable<SocketCase> Opcodes()
    {
        foreach (int opcode in (int[])[3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
        {
            yield return Bad($"opcode {opcode}", Cut.Frames, Frame.Of(opcode, []));
            yield return Bad($"opcode {opcode} behind a good message", Cut.InTurn,
                Frame.Of(Frame.Text, "good"u8), Frame.Of(opcode, "Hello"u8));
        }
    }

    private static IEnumerable<SocketCase> Fragmentation()
    {
        byte[] first = Frame.Of(Frame.Text, "frag"u8, final: false);
        byte[] last = Frame.Of(Frame.Continuation, "ment"u8);
        foreach (Cut cut in (Cut[])[Cut.Frames, Cut.Whole, Cut.Bytes, Cut.WithRequest])
        {
            yield return Good($"two fragments, {cut}", cut, first, last, Frame.Goodbye);
            yield return Good($"a ping between fragments, {cut}", cut, first, Frame.Ping("ping"u8), last, Frame.Goodbye);
            yield return Good($"pings between many fragments, {cut}", cut,
            [
                .. Frame.Fragments(Frame.Text, Letters(50), 7).SelectMany((frame, i) =>
                    (byte[][])[frame, Frame.Ping([(byte)i])]),
                Frame.Goodbye,
            ]);
        }
        yield return Good("empty fragments", Cut.Frames, Frame.Of(Frame.Text, [], final: false),
            Frame.Of(Frame.Continuation, [], final: false), Frame.Of(Frame.Continuation, []), Frame.Goodbye);
        yield return Bad("a ping in fragments", Cut.Frames, Frame.Of(Frame.PingCode, "frag"u8, final: false));
        yield return Bad("a pong in fragments", Cut.Frames, Frame.Of(Frame.PongCode, "frag"u8, final: false));
        yield return Bad("a continuation of nothing", Cut.Frames, Frame.Of(Frame.Continuation, "frag"u8));
        yield return Bad("a continuation of nothing that goes on", Cut.Frames,
            Frame.Of(Frame.Continuation, "frag"u8, final: false));
        yield return Bad("a message within another", Cut.Frames, first, Frame.Of(Frame.Text, "other"u8));
        yield return Bad("a message within another behind a good one", Cut.InTurn,
            Frame.Of(Frame.Text, "good"u8), [.. first, .. Frame.Of(Frame.Text, "other"u8)]);
        yield return Good("fragments that never end", Cut.Frames, first, Frame.Goodbye);
    }

    private static IEnumerable<SocketCase> Texts()
    {
        foreach (Cut cut in (Cut[])[Cut.Frames, Cut.Whole, Cut.Bytes])
        {
            yield return Good($"UTF-8, {cut}", cut, Frame.Of(Frame.Text, s_greek), Frame.Goodbye);
            yield return Good($"UTF-8 in fragments of a byte, {cut}", cut,
                [.. Frame.Fragments(Frame.Text, s_greek, 1), Frame.Goodbye]);
        }
        foreach ((string name, byte[] bytes) in s_badText)
        {
            yield return Bad($"no UTF-8: {name}", Cut.Frames, Frame.Of(Frame.Text, bytes));
            yield return Bad($"no UTF-8 behind a good message: {name}", Cut.InTurn,
                Frame.Of(Frame.Text, "good"u8), Frame.Of(Frame.Text, bytes));
            yield return Bad($"no UTF-8 over two frames: {name}", Cut.Whole,
                Frame.Of(Frame.Text, bytes.AsSpan(0, bytes.Length / 2), final: false),
                Frame.Of(Frame.Continuation, bytes.AsSpan(bytes.Length / 2)));
            yield return Good($"no UTF-8, but binary: {name}", Cut.Frames, Frame.Of(Frame.Binary, bytes), Frame.Goodbye);
        }
    }

    private static IEnumerable<SocketCase> Closes()
    {
        foreach (Cut cut in (Cut[])[Cut.Frames, Cut.Bytes, Cut.WithRequest])
        {
            yield return Good($"an empty close, {cut}", cut, Frame.Of(Frame.CloseCode, []));
            yield return Good($"a close with a reason, {cut}", cut, Frame.Close(1000, s_greek));
            yield return Good($"a message, then a close, {cut}", cut,
                Frame.Of(Frame.Text, "last"u8), Frame.Close(1001, "going"u8));
        }
        yield return Bad("a close with half a code", Cut.Frames, Frame.Of(Frame.CloseCode, [0x03]));
        yield return Good("a reason of 123 bytes", Cut.Frames, Frame.Close(1000, Letters(123)));
        yield return Bad("a reason of 124 bytes", Cut.Frames, Frame.Close(1000, Letters(124)));
        yield return Bad("a reason that is no UTF-8", Cut.Frames, Frame.Close(1000, [0xCE, 0xBA, 0xED, 0xA0, 0x80]));
        foreach (int code in (int[])[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999])
        {
            yield return Good($"close code {code}", Cut.Frames, Frame.Close(code, "why"u8));
        }
        // 1012 to 1014 are registered, but came after the RFC.
        foreach (int code in (int[])[0, 999, 1004, 1005, 1006, 1012, 1013, 1014, 1015, 1016, 1100, 2000, 2999, 5000,
            65_535])
        {
            yield return Bad($"close code {code}", Cut.Frames, Frame.Close(code, "why"u8));
        }
    }

    private static IEnumerable<SocketCase> Many()
    {
        foreach (Cut cut in (Cut[])[Cut.Whole, Cut.Odd, Cut.WithRequest])
        {
            yield return Good($"a thousand small messages, {cut}", cut,
            [
                .. Enumerable.Range(0, 1_000).Select(i => Frame.Of(Frame.Text, Letters(i % 40))),
                Frame.Goodbye,
            ]);
        }
        foreach (int size in (int[])[64, 1_024, 65_536])
        {
            yield return Good($"256 KiB in fragments of {size} bytes", Cut.Whole,
                [.. Frame.Fragments(Frame.Binary, Noise(256 * 1024), size), Frame.Goodbye]);
        }
    }

    private static SocketCase Good(string title, Cut cut, params byte[][] frames) => new(title, cut, frames);

    private static SocketCase Bad(string title, Cut cut, params byte[][] frames) =>
        new(title, cut, frames) { BreaksRule = true };

    private static byte[] Letters(int length) => [.. Enumerable.Range(0, length).Select(i => (byte)('a' + (i % 26)))];

    private static byte[] Noise(int length)
    {
        byte[] noise = new byte[length];
        new Random(length).NextBytes(noise);
        return noise;
    }
}
