using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Text;
using FastGate.Gateway.Proxy;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Admin;

/// <summary>The admin address, on a transport of its own with one lane, so that nothing asked here keeps traffic
/// waiting: <c>/healthz</c> and <c>/readyz</c> for now. Every answer ends its exchange only; the connection
/// persists.</summary>
public sealed class AdminServer
{
    private const int ConnectionsMax = 64;
    private const long HeadTimeoutMs = 10_000;
    private const long IdleMs = 60_000;

    private static readonly HeadLimits s_limits = new(8 * 1024, 64);

    private readonly AdminOptions _options;
    private readonly Gate _gate;
    private readonly byte[][] _hosts;
    private int _connections;
    private volatile bool _ready;

    private AdminServer(AdminOptions options, Gate gate)
    {
        _options = options;
        _gate = gate;
        _hosts = [.. options.Hosts.Select(Encoding.ASCII.GetBytes), "localhost"u8.ToArray(), .. Own(options)];
    }

    /// <summary>What is bound.</summary>
    public NetAddress Address { get; private set; } = null!;

    /// <summary>True once the gate serves; false again while it drains, or is about to.</summary>
    public bool IsReady
    {
        get => _ready && !_gate.IsDraining;
        set => _ready = value;
    }

    /// <summary>Binds the address and answers on the first lane of <paramref name="transport"/>.</summary>
    /// <exception cref="BindException">The address cannot be had.</exception>
    public static AdminServer Start(AdminOptions options, Gate gate, Transport transport)
    {
        var server = new AdminServer(options, gate);
        Listener listener = transport.Bind(options.Listen.ToNetAddress());
        server.Address = listener.Address;
        Lane lane = transport.Lanes[0];
        lane.Post(new LaneAction(() => _ = server.AcceptAsync(listener, lane)));
        return server;
    }

    private async Task AcceptAsync(Listener listener, Lane lane)
    {
        while (await listener.AcceptAsync(lane) is { } connection)
        {
            if (_connections < ConnectionsMax)
            {
                _ = ServeAsync(connection);
            }
            else
            {
                connection.Close();
            }
        }
    }

    private async Task ServeAsync(Connection connection)
    {
        _connections++;
        try
        {
            var head = new RequestHead();
            while (await AnswerNextAsync(connection, head))
            {
            }
            connection.EndOutput();
        }
        finally
        {
            connection.Close();
            _connections--;
        }
    }

    /// <returns>True when the connection may carry another request.</returns>
    private async Task<bool> AnswerNextAsync(Connection connection, RequestHead head)
    {
        int scanned = 0;
        connection.SetReadDeadline(connection.Lane.Now + IdleMs);
        while (true)
        {
            ReadResult read = await connection.Input.ReadAsync();
            if (read.IsCanceled || read.Buffer.IsEmpty)
            {
                return false;
            }
            byte[] bytes = read.Buffer.ToArray();
            ParseStatus status = RequestParser.Parse(bytes, s_limits, head, ref scanned);
            if (status == ParseStatus.Incomplete)
            {
                connection.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
                connection.SetReadDeadline(connection.Lane.Now + HeadTimeoutMs);
                continue;
            }
            bool parsed = status == ParseStatus.Complete;
            connection.Input.AdvanceTo(parsed ? read.Buffer.GetPosition(head.Length) : read.Buffer.End);
            // Nothing here takes a body, so one ends the connection.
            bool again = parsed && head.KeepAlive && head.Framing == BodyFraming.None;
            Write(connection.Output, parsed ? Decide(head, bytes) : status.StatusCode(),
                parsed && head.Method == Method.Head, again);
            connection.SetWriteDeadline(connection.Lane.Now + HeadTimeoutMs);
            FlushResult flushed = await connection.Output.FlushAsync();
            return again && !flushed.IsCompleted && !flushed.IsCanceled;
        }
    }

    private int Decide(RequestHead head, ReadOnlySpan<byte> bytes)
    {
        if (!IsForUs(head.Authority.Of(bytes)) || IsForeign(head, bytes))
        {
            // A page in somebody's browser that was made to ask here (DNS rebinding).
            return 403;
        }
        ReadOnlySpan<byte> path = head.Path.Of(bytes);
        bool known = path.SequenceEqual("/healthz"u8) || path.SequenceEqual("/readyz"u8);
        if (!known)
        {
            return 404;
        }
        if (head.Method is not (Method.Get or Method.Head))
        {
            return 405;
        }
        return path.SequenceEqual("/healthz"u8) || IsReady ? 200 : 503;
    }

    private bool IsForUs(ReadOnlySpan<byte> authority)
    {
        // Without its port: the port was reached already.
        int colon = authority.LastIndexOf((byte)':');
        ReadOnlySpan<byte> host = colon > authority.LastIndexOf((byte)']') ? authority[..colon] : authority;
        if (_options.Listen.Kind == BindKind.Any && IsAddress(host))
        {
            // Bound to every address, so every address is its own; a name could be anybody's.
            return true;
        }
        foreach (byte[] known in _hosts)
        {
            if (Ascii.EqualsIgnoreCase(host, known) || Ascii.EqualsIgnoreCase(authority, known))
            {
                return true;
            }
        }
        return false;
    }

    private static bool IsAddress(ReadOnlySpan<byte> host) =>
        IPAddress.TryParse(Encoding.ASCII.GetString(host).Trim('[', ']'), out _);

    private bool IsForeign(RequestHead head, ReadOnlySpan<byte> bytes)
    {
        int index = head.Headers.IndexOf(HeaderId.Origin);
        if (index < 0)
        {
            return false;
        }
        ReadOnlySpan<byte> origin = head.Headers[index].Value.Of(bytes);
        int authority = origin.IndexOf("://"u8);
        return authority < 0 || !IsForUs(origin[(authority + 3)..]);
    }

    /// <summary>The address itself as a Host: with a wildcard, loopback's.</summary>
    private static IEnumerable<byte[]> Own(AdminOptions options)
    {
        if (options.Listen.Kind == BindKind.Ip)
        {
            string ip = options.Listen.Address!.ToString();
            yield return Encoding.ASCII.GetBytes(ip.Contains(':', StringComparison.Ordinal) ? $"[{ip}]" : ip);
            yield break;
        }
        yield return "127.0.0.1"u8.ToArray();
        yield return "[::1]"u8.ToArray();
    }

    private static void Write(ConnectionWriter output, int status, bool headOnly, bool again)
    {
        ReadOnlySpan<byte> text = status switch
        {
            200 => "{\"status\":\"ok\"}\n"u8,
            403 => "{\"type\":\"about:blank\",\"title\":\"This Host or Origin is not allowed\",\"status\":403}\n"u8,
            404 => "{\"type\":\"about:blank\",\"title\":\"There is nothing here\",\"status\":404}\n"u8,
            405 => "{\"type\":\"about:blank\",\"title\":\"The method is not allowed here\",\"status\":405}\n"u8,
            503 => "{\"status\":\"draining\"}\n"u8,
            _ => "{\"type\":\"about:blank\",\"title\":\"The request is not valid HTTP\"}\n"u8,
        };
        var writer = new HeadWriter(output.GetSpan(512));
        writer.StatusLine(status, default);
        writer.Field("Content-Type"u8,
            status is 200 or 503 ? "application/json"u8 : "application/problem+json"u8);
        writer.Raw("Cache-Control: no-store\r\nContent-Length: "u8);
        writer.Number(text.Length);
        writer.Raw(status == 405 ? "\r\nAllow: GET, HEAD\r\n"u8 : "\r\n"u8);
        writer.Raw(again ? "\r\n"u8 : "Connection: close\r\n\r\n"u8);
        if (!headOnly)
        {
            writer.Raw(text);
        }
        output.Advance(writer.Length);
    }
}
