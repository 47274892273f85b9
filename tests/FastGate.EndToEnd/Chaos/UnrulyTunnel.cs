using System.Net.Sockets;

namespace FastGate.EndToEnd.Chaos;

/// <summary>The upstream's end of a tunnel, over which the client sends one piece of <see cref="Content"/> and gets it
/// back. An orderly end with less of it is wrong: what breaks must look broken.</summary>
internal sealed class UnrulyTunnel(
    UnrulyUpstream upstream, AsyncWire wire, string behaviour, ReadOnlyMemory<byte> content)
{
    /// <summary>Those over which everything comes back.</summary>
    public static readonly string[] Good = ["tunnel", "tunnel-first", "tunnel-greet"];
    public static readonly string[] Bad = ["tunnel-cut", "tunnel-no", "tunnel-silent"];

    public const string Greeting = "welcome";

    private const string Switched =
        "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n";

    public async Task RunAsync()
    {
        if (behaviour == "tunnel-no")
        {
            await wire.SendAsync("HTTP/1.1 426 Upgrade Required\r\nConnection: close, upgrade\r\nUpgrade: other\r\n"
                + "Content-Length: 2\r\n\r\nno");
            return;
        }
        await wire.SendAsync(behaviour == "tunnel-greet" ? Switched + Greeting : Switched);
        if (behaviour == "tunnel-silent")
        {
            await ReadToEndAsync(0, echo: false);
            return;
        }
        if (behaviour == "tunnel-cut")
        {
            await EchoAsync(0, content.Length / 2);
            wire.Reset();
            return;
        }
        await EchoAsync(0, content.Length);
        if (behaviour == "tunnel-first")
        {
            wire.Socket.Shutdown(SocketShutdown.Send);
        }
        await ReadToEndAsync(content.Length, echo: behaviour != "tunnel-first");
    }

    private async Task EchoAsync(int from, int to)
    {
        while (from < to)
        {
            ReadOnlyMemory<byte> some = await wire.ReadSomeAsync(to - from);
            Check(from, some);
            if (some.IsEmpty)
            {
                NoteEarlyEnd(from);
                throw new EndOfStreamException();
            }
            await wire.SendAsync(some);
            from += some.Length;
        }
    }

    private async Task ReadToEndAsync(int from, bool echo)
    {
        while (await wire.ReadSomeAsync(int.MaxValue) is { IsEmpty: false } some)
        {
            Check(from, some);
            from += some.Length;
        }
        if (echo && from != content.Length)
        {
            NoteEarlyEnd(from);
        }
    }

    /// <summary>One without a byte was none: the gate had given up waiting when the switch came.</summary>
    private void NoteEarlyEnd(int from)
    {
        if (from > 0)
        {
            upstream.NoteWrong($"a tunnel ended after {from} of {content.Length} bytes");
        }
    }

    private void Check(int from, ReadOnlyMemory<byte> some)
    {
        if (from + some.Length > content.Length || !some.Span.SequenceEqual(content.Span.Slice(from, some.Length)))
        {
            upstream.NoteWrong($"a tunnel brings other bytes than were sent, at {from}");
            throw new EndOfStreamException();
        }
    }
}
