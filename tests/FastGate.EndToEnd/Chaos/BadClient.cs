using System.Net.Sockets;
using System.Text;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Chaos;

/// <summary>A client that does something wrong on each of its connections.</summary>
internal sealed class BadClient(int port, string group, string[] behaviours, Random random, Tally tally,
    CancellationToken over)
{
    /// <summary>What a request that is read wrongly would let through; the upstream complains of it.</summary>
    private const string Smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";

    /// <summary>Bytes that a client who does not want them has on the way.</summary>
    private const int FewBytes = 4 * 1024;
    private static readonly TimeSpan s_tick = TimeSpan.FromMilliseconds(50);

    private static readonly MessageCase[] s_heads = Broken(MessageCases.Requests);
    private static readonly MessageCase[] s_chunks = Broken(MessageCases.Chunks);

    private static readonly string[] s_left = ["get", "upload", "download", "post", "put"];
    private static readonly string[] s_kinds =
    [
        "malformed", "malformed", "bad chunks", "reset", "reset", "half-close", "half-close", "vanish", "no reader",
        "slow head", "silent body", "slow reader", "idle", "touch", "touch", "touch reset", "urgent", "flood",
        "tunnel reset",
    ];

    public string Kind { get; private set; } = "";

    public async Task TurnAsync()
    {
        string kind = s_kinds[random.Next(s_kinds.Length)];
        Kind = $"bad: {kind}";
        Verdict verdict;
        using AsyncWire wire = await AsyncWire.ConnectAsync(port, over, kind is "no reader" ? FewBytes : 0);
        try
        {
            verdict = kind switch
            {
                "malformed" => await SendMalformedAsync(wire),
                "bad chunks" => await SendBadChunksAsync(wire),
                "reset" or "vanish" or "half-close" => await LeaveAsync(wire, kind),
                "no reader" => await RefuseToReadAsync(wire),
                "slow reader" => await ReadSlowlyAsync(wire),
                "slow head" => await DripAsync(wire),
                "silent body" => await FallSilentAsync(wire),
                "idle" => await IdleAsync(wire),
                "urgent" => await SendUrgentAsync(wire),
                "flood" => await FloodAsync(wire),
                "tunnel reset" => await BreakTunnelAsync(wire),
                "touch reset" => ResetAtOnce(wire),
                _ => new Verdict(Outcome.Right, false),
            };
        }
        catch (Exception exception) when (exception is SocketException or EndOfStreamException)
        {
            verdict = Verdict.Unanswered(exception.Message);
        }
        tally.Note(Kind, verdict.Outcome, verdict.Detail);
    }

    private static MessageCase[] Broken(IReadOnlyList<MessageCase> cases) =>
        [.. cases.Where(each => each.Expected is not (ParseStatus.Complete or ParseStatus.Incomplete))];

    private ChaosRequest Next(string kind) => ChaosRequest.Next(random, group, behaviours, kind);

    private static Verdict ResetAtOnce(AsyncWire wire)
    {
        wire.Reset();
        return new Verdict(Outcome.Right, false);
    }

    private async Task SendInPiecesAsync(AsyncWire wire, ReadOnlyMemory<byte> bytes)
    {
        int max = random.Next(3) switch { 0 => 3, 1 => 50, _ => bytes.Length + 1 };
        while (!bytes.IsEmpty)
        {
            int piece = Math.Min(random.Next(1, Math.Max(2, max)), bytes.Length);
            await wire.SendAsync(bytes[..piece]);
            bytes = bytes[piece..];
        }
    }

    private async Task<Verdict> SendMalformedAsync(AsyncWire wire)
    {
        MessageCase bad = s_heads[random.Next(s_heads.Length)];
        // In pieces the refusal may come in the middle, and sending on then breaks the connection.
        await SendInPiecesAsync(wire, (byte[])[.. bad.Bytes, .. Encoding.ASCII.GetBytes(Smuggled)]);
        return await JudgeRefusalAsync(wire, bad.Expected.StatusCode(), bad.Title);
    }

    private async Task<Verdict> SendBadChunksAsync(AsyncWire wire)
    {
        MessageCase bad = s_chunks[random.Next(s_chunks.Length)];
        string head = $"POST /{group}/length/{random.NextInt64():x16}/10 HTTP/1.1\r\nHost: h\r\n"
            + "X-Sum: never\r\nTransfer-Encoding: chunked\r\n\r\n";
        await SendInPiecesAsync(wire,
            (byte[])[.. Encoding.ASCII.GetBytes(head), .. bad.Bytes, .. Encoding.ASCII.GetBytes(Smuggled)]);
        return await JudgeRefusalAsync(wire, bad.Expected.StatusCode(), bad.Title);
    }

    /// <summary>It is refused as it deserves, or for what the gate or the upstream cannot do now.</summary>
    private static async Task<Verdict> JudgeRefusalAsync(AsyncWire wire, int deserved, string title)
    {
        string head = await wire.ReadHeadAsync() ?? throw new EndOfStreamException();
        int status = Wire.StatusOf(head);
        if ((status != deserved && status is not (408 or 502 or 503 or 504))
            || UnrulyUpstream.FieldOf(head, "Proxy-Status") is null)
        {
            return new Verdict(Outcome.Wrong, false, $"{title}: {head}");
        }
        await wire.ReadAsync((int)Wire.LengthOf(head));
        bool goesOn = !head.Contains("\r\nConnection: close\r\n", StringComparison.Ordinal);
        return !goesOn && await wire.ReadHeadAsync() is { } more
            ? new Verdict(Outcome.Wrong, false, $"{title}: and then {more}")
            : new Verdict(Outcome.Refused, false);
    }

    /// <summary>A valid request that is given up at some byte of it, or of its answer, or behind it.</summary>
    private async Task<Verdict> LeaveAsync(AsyncWire wire, string kind)
    {
        ChaosRequest request = Next(s_left[random.Next(s_left.Length)]);
        byte[] bytes = request.Bytes;
        bool whole = random.Next(2) == 0;
        int length = whole ? bytes.Length : random.Next(random.Next(2) == 0 ? request.Head.Length : bytes.Length);
        Task sending = SendUntilBrokenAsync(wire, bytes.AsMemory(0, length), fin: kind == "half-close");
        if (kind == "half-close")
        {
            Verdict verdict = await request.JudgeAsync(wire, mayBeBad: !whole);
            if (!sending.IsCompleted)
            {
                wire.Reset();
            }
            await sending;
            return verdict;
        }
        if (random.Next(3) == 0)
        {
            // Until something of the answer is there, or the connection is broken.
            await wire.ReadSomeAsync(1);
        }
        else
        {
            await sending;
        }
        if (kind == "reset")
        {
            wire.Reset();
        }
        wire.Dispose();
        await sending;
        return new Verdict(Outcome.Right, false);
    }

    private static async Task SendUntilBrokenAsync(AsyncWire wire, ReadOnlyMemory<byte> bytes, bool fin)
    {
        try
        {
            await wire.SendAsync(bytes);
            if (fin)
            {
                wire.Socket.Shutdown(SocketShutdown.Send);
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Answered before its end, or cut.
        }
    }

    /// <summary>Asks for megabytes and takes none for longer than the gate waits.</summary>
    private async Task<Verdict> RefuseToReadAsync(AsyncWire wire)
    {
        ChaosRequest request = Next("download");
        await wire.SendAsync(request.Bytes);
        await WaitAsync(ticks: 60);
        return await request.JudgeAsync(wire);
    }

    private async Task<Verdict> ReadSlowlyAsync(AsyncWire wire)
    {
        ChaosRequest request = Next("download");
        await wire.SendAsync(request.Bytes);
        using var pace = new PeriodicTimer(TimeSpan.FromMilliseconds(4));
        wire.Pace = pace;
        return await request.JudgeAsync(wire);
    }

    /// <summary>A head that comes too slowly, a byte at a time.</summary>
    private async Task<Verdict> DripAsync(AsyncWire wire)
    {
        ChaosRequest request = Next("get");
        byte[] bytes = request.Bytes;
        using var timer = new PeriodicTimer(s_tick);
        for (int i = 0; i < bytes.Length - 1 && !wire.HasSomething; i++)
        {
            await wire.SendAsync(bytes.AsMemory(i, 1));
            await timer.WaitForNextTickAsync(over);
        }
        return await request.JudgeAsync(wire);
    }

    /// <summary>A body that stops in its middle.</summary>
    private async Task<Verdict> FallSilentAsync(AsyncWire wire)
    {
        ChaosRequest request = Next("put");
        byte[] bytes = request.Bytes;
        await wire.SendAsync(bytes.AsMemory(0, random.Next(request.Head.Length, bytes.Length)));
        return await request.JudgeAsync(wire);
    }

    private async Task<Verdict> IdleAsync(AsyncWire wire)
    {
        await WaitAsync(ticks: random.Next(40));
        if (random.Next(2) == 0)
        {
            wire.Reset();
        }
        return new Verdict(Outcome.Right, false);
    }

    private async Task<Verdict> SendUrgentAsync(AsyncWire wire)
    {
        ChaosRequest request = Next("post");
        byte[] bytes = request.Bytes;
        int before = random.Next(bytes.Length);
        await wire.SendAsync(bytes.AsMemory(0, before));
        wire.Socket.Send([(byte)'!'], SocketFlags.OutOfBand);
        await wire.SendAsync(bytes.AsMemory(before));
        // It may have been answered before; it is not answered with anything but its own.
        return await request.JudgeAsync(wire, mayBeBad: true);
    }

    /// <summary>More requests in one go than may be pipelined, and their answers are not waited for.</summary>
    private async Task<Verdict> FloodAsync(AsyncWire wire)
    {
        ChaosRequest[] requests = [.. Enumerable.Range(0, 200).Select(_ => Next("pipelined"))];
        Task sending = SendUntilBrokenAsync(wire, (byte[])[.. requests.SelectMany(each => each.Bytes)], fin: false);
        Verdict verdict = new(Outcome.Right, true);
        for (int i = 0, count = random.Next(80); i < count && verdict.GoesOn; i++)
        {
            verdict = await requests[i].JudgeAsync(wire);
        }
        wire.Reset();
        await sending;
        return verdict;
    }

    private async Task<Verdict> BreakTunnelAsync(AsyncWire wire)
    {
        await wire.SendAsync($"GET /{group}/tunnel/{random.NextInt64():x16}/100000 HTTP/1.1\r\nHost: h\r\n"
            + "Connection: Upgrade\r\nUpgrade: echo\r\n\r\n");
        if (random.Next(2) == 0)
        {
            await wire.ReadHeadAsync();
        }
        wire.Reset();
        return new Verdict(Outcome.Right, false);
    }

    private async Task WaitAsync(int ticks)
    {
        using var timer = new PeriodicTimer(s_tick);
        for (int i = 0; i < ticks; i++)
        {
            await timer.WaitForNextTickAsync(over);
        }
    }
}
