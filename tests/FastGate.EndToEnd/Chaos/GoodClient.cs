using System.Globalization;
using System.Net.Sockets;
using System.Text;

namespace FastGate.EndToEnd.Chaos;

/// <summary>A client that does everything right: one request, or some, after the other on a connection that it keeps
/// as long as it may.</summary>
internal sealed class GoodClient(int port, string group, string[] behaviours, string[] tunnels, Random random,
    Tally tally, CancellationToken over) : IDisposable
{
    private const int PipelinedMax = 8;
    /// <summary>Up to here a body is sent before the answer is read: both sides' buffers hold it.</summary>
    private const int SentAtOnceMax = 16 * 1024;

    private static readonly string[] s_kinds =
        ["get", "get", "get", "post", "put", "old", "pipelined", "expect", "tunnel"];
    private static readonly string[] s_big = ["upload", "download"];

    private AsyncWire? _wire;

    /// <summary>What it is at; for a complaint.</summary>
    public string Kind { get; private set; } = "";

    public void Dispose() => _wire?.Dispose();

    public async Task TurnAsync()
    {
        string kind = random.Next(25) == 0 ? s_big[random.Next(2)] : s_kinds[random.Next(s_kinds.Length)];
        Kind = $"{group} {kind}";
        bool isNew = _wire is null;
        _wire ??= await AsyncWire.ConnectAsync(port, over);
        Verdict verdict;
        try
        {
            verdict = kind switch
            {
                "pipelined" => await PipelineAsync(_wire),
                "tunnel" => await TunnelAsync(_wire),
                _ => await AskAsync(_wire, kind),
            };
        }
        catch (Exception exception) when (exception is SocketException or EndOfStreamException)
        {
            verdict = Verdict.Unanswered(exception.Message);
        }
        // A connection that idled may have been ended at the moment it was used again.
        bool idled = verdict.IsUnanswered && !isNew;
        tally.Note(idled ? $"{Kind} (idle)" : Kind, verdict.Outcome, verdict.Detail);
        if (verdict.Outcome != Outcome.Right)
        {
            tally.Explain($"{Kind}: {verdict.Detail}");
        }
        if (!verdict.GoesOn)
        {
            _wire.Dispose();
            _wire = null;
        }
    }

    private async Task<Verdict> AskAsync(AsyncWire wire, string kind)
    {
        ChaosRequest request = ChaosRequest.Next(random, group, behaviours, kind);
        if (kind == "expect")
        {
            return await AskPolitelyAsync(wire, request);
        }
        if (request.Body.Length <= SentAtOnceMax)
        {
            await wire.SendAsync(request.Bytes);
            return await request.JudgeAsync(wire);
        }
        Task sending = TrySendAsync(wire, request);
        Verdict verdict = await request.JudgeAsync(wire);
        if (!sending.IsCompleted && !verdict.GoesOn)
        {
            // Nobody wants the rest.
            wire.Reset();
        }
        await sending;
        return verdict;
    }

    private async Task TrySendAsync(AsyncWire wire, ChaosRequest request)
    {
        try
        {
            await wire.SendAsync(request.Head);
            for (ReadOnlyMemory<byte> left = request.Body; !left.IsEmpty;)
            {
                int piece = Math.Min(random.Next(1, 100_000), left.Length);
                await wire.SendAsync(left[..piece]);
                left = left[piece..];
            }
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // Answered before its end, or cut: the answer says which.
        }
    }

    private static async Task<Verdict> AskPolitelyAsync(AsyncWire wire, ChaosRequest request)
    {
        await wire.SendAsync(request.Head);
        string? first = await wire.PeekHeadAsync();
        if (first is null || Wire.StatusOf(first) != 100)
        {
            // Who does not want the body ends the connection, or takes what comes next for it.
            Verdict verdict = await request.JudgeAsync(wire);
            return verdict with { GoesOn = false };
        }
        await wire.SendAsync(request.Body);
        return await request.JudgeAsync(wire);
    }

    private async Task<Verdict> PipelineAsync(AsyncWire wire)
    {
        var requests = new List<ChaosRequest>();
        for (int i = random.Next(2, PipelinedMax); i > 0; i--)
        {
            string kind = random.Next(4) == 0 ? "post" : "pipelined";
            requests.Add(ChaosRequest.Next(random, group, behaviours, kind));
        }
        byte[] all = [.. requests.SelectMany(request => request.Bytes)];
        Task sending = TrySendAsync(wire, all);
        Verdict verdict = new(Outcome.Right, true);
        for (int i = 0; i < requests.Count && verdict.GoesOn; i++)
        {
            verdict = await requests[i].JudgeAsync(wire);
            if (verdict.GoesOn && i + 1 < requests.Count)
            {
                tally.Note(Kind, verdict.Outcome, verdict.Detail);
            }
            verdict = verdict with { IsUnanswered = verdict.IsUnanswered && i == 0 };
        }
        if (!sending.IsCompleted && !verdict.GoesOn)
        {
            wire.Reset();
        }
        await sending;
        return verdict;
    }

    private static async Task TrySendAsync(AsyncWire wire, byte[] bytes)
    {
        try
        {
            await wire.SendAsync(bytes);
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            // The answers say why.
        }
    }

    private async Task<Verdict> TunnelAsync(AsyncWire wire)
    {
        ulong id = (ulong)random.NextInt64();
        int length = random.Next(random.Next(10) == 0 ? 1_000_000 : 5_000);
        string behaviour = tunnels[random.Next(tunnels.Length)];
        string target = string.Create(CultureInfo.InvariantCulture, $"/{group}/{behaviour}/{id:x16}/{length}");
        string ask = $"GET {target} HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: echo\r\n\r\n";
        ReadOnlyMemory<byte> content = Content.Of(id, length);
        int early = random.Next(3) == 0 && behaviour != "tunnel-no" ? Math.Min(length, random.Next(2_000)) : 0;
        await wire.SendAsync((byte[])[.. Encoding.ASCII.GetBytes(ask), .. content.Span[..early]]);
        string head = await wire.ReadHeadAsync() ?? throw new EndOfStreamException();
        if (Wire.StatusOf(head) != 101)
        {
            return await NotSwitchedAsync(wire, head, behaviour);
        }
        if (behaviour == "tunnel-greet" && await wire.ReadAsync(UnrulyTunnel.Greeting.Length) != UnrulyTunnel.Greeting)
        {
            return new Verdict(Outcome.Wrong, false, $"{behaviour}: another greeting");
        }
        bool silent = behaviour is "tunnel-silent" or "tunnel-first";
        Task<bool> sending = TrySendTunnelAsync(wire, content[early..], silent);
        try
        {
            var expected = new ExpectedBody(content);
            bool right = await expected.ReadToEndAsync(wire);
            if (behaviour == "tunnel-first" && expected.IsWhole)
            {
                wire.Socket.Shutdown(SocketShutdown.Send);
            }
            if (right && expected.IsWhole && behaviour is not ("tunnel-cut" or "tunnel-silent"))
            {
                return new Verdict(Outcome.Right, false);
            }
            // A send that meets a reset takes the error with it, and the receive behind it sees a mere end.
            bool hidden = right && !(sending.IsCompleted && await sending) && wire.IsDead;
            return new Verdict(hidden ? Outcome.Cut : Outcome.Wrong, false,
                $"{behaviour}: {expected.Position} of {length} bytes came back, then the end");
        }
        catch (Exception exception) when (exception is SocketException)
        {
            return new Verdict(Outcome.Cut, false, $"{behaviour}: {exception.Message}");
        }
        finally
        {
            if (!sending.IsCompleted)
            {
                wire.Reset();
            }
            await sending;
        }
    }

    private static async Task<Verdict> NotSwitchedAsync(AsyncWire wire, string head, string behaviour)
    {
        string body = await wire.ReadAsync((int)Wire.LengthOf(head));
        if (behaviour == "tunnel-no" && Wire.StatusOf(head) == 426 && body == "no")
        {
            return new Verdict(Outcome.Right, false);
        }
        return UnrulyUpstream.FieldOf(head, "Proxy-Status") is { } reason && Wire.StatusOf(head) is 502 or 503 or 504
            ? new Verdict(Outcome.Refused, false, $"{Wire.StatusOf(head)} {reason}")
            : new Verdict(Outcome.Wrong, false, $"{behaviour}: {head}");
    }

    /// <returns>False when the connection broke.</returns>
    private async Task<bool> TrySendTunnelAsync(AsyncWire wire, ReadOnlyMemory<byte> left, bool silent)
    {
        try
        {
            while (!left.IsEmpty)
            {
                int piece = Math.Min(random.Next(1, 20_000), left.Length);
                await wire.SendAsync(left[..piece]);
                left = left[piece..];
            }
            if (!silent)
            {
                wire.Socket.Shutdown(SocketShutdown.Send);
            }
            return true;
        }
        catch (Exception exception) when (exception is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }
}
