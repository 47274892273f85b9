using System.Buffers;
using System.IO.Pipelines;
using System.Text.Json;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Admin;

/// <summary>One connection to the admin address: reads requests one after the other and answers them.</summary>
internal sealed class AdminConnection
{
    private enum Page : byte
    {
        None,
        Health,
        Ready,
        Stats,
        Servers,
    }

    private readonly AdminSite _site;
    private readonly Connection _client;
    private readonly RequestHead _head = new();
    private byte[] _bytes = [];

    public AdminConnection(AdminSite site, Connection client)
    {
        _site = site;
        _client = client;
        Waiting = new LinkedListNode<AdminConnection>(this);
    }

    /// <summary>Its place among those that wait for a request.</summary>
    internal LinkedListNode<AdminConnection> Waiting { get; }

    /// <summary>Ends it where it stands.</summary>
    internal void Abort() => _client.Abort();

    /// <summary>Serves to the end and closes. Throws only for a bug.</summary>
    public async LaneTask RunAsync()
    {
        try
        {
            while (true)
            {
                _site.BeginWait(this);
                ParseStatus? read = await ReadHeadAsync();
                _site.EndWait(this);
                if (read is not { } status)
                    break;
                bool keepAlive = await AnswerAsync(status);
                if (!await FlushAsync())
                    return;
                if (!keepAlive)
                    break;
                // Whoever pipelines waits behind the others.
                await _client.Lane.Yield();
            }
            if (_client.Fault == ConnectionFault.None && !_client.Input.IsEnded)
                await Farewell.EndAsync(_client, AdminLimits.LingerMs, AdminLimits.LingerBytesMax);
        }
        finally
        {
            _site.EndWait(this);
            _client.Close();
        }
    }

    /// <summary>For a connection over the limit: it hears why.</summary>
    public static async LaneTask RefuseAsync(Connection client)
    {
        client.Output.Append(AdminAnswer.Overloaded);
        client.SetWriteDeadline(client.Lane.Now + AdminLimits.LingerMs);
        await client.Output.SendAsync();
        client.Close();
    }

    /// <returns>Complete, the rule that was broken, Incomplete for a head that did not come in time; null when there is
    /// nothing to answer.</returns>
    private async LaneTask<ParseStatus?> ReadHeadAsync()
    {
        int scanned = 0;
        bool begun = false;
        _client.SetReadDeadline(_client.Lane.Now + AdminLimits.WaitMs);
        while (true)
        {
            ReadResult read = await _client.Input.ReceiveAsync();
            if (read.IsCanceled && begun)
                return ParseStatus.Incomplete;
            if (read.Buffer.IsEmpty)
                return null;
            if (!begun)
            {
                begun = true;
                _client.SetReadDeadline(_client.Lane.Now + AdminLimits.WaitMs);
            }
            ParseStatus status = Parse(read.Buffer, ref scanned);
            if (status != ParseStatus.Incomplete)
                return status;
            if (read.IsCompleted)
                return null;
            _client.Input.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }

    private ParseStatus Parse(in ReadOnlySequence<byte> buffer, ref int scanned)
    {
        // One byte over the limit is enough to see that it is passed.
        ReadOnlySequence<byte> seen = buffer.Slice(0, Math.Min(buffer.Length, AdminLimits.HeadBytesMax + 1));
        _bytes = seen.ToArray();
        ParseStatus status = RequestParser.Parse(_bytes, AdminLimits.Heads, _head, ref scanned);
        if (status == ParseStatus.Complete)
            _client.Input.AdvanceTo(buffer.GetPosition(_head.Length));
        else if (status != ParseStatus.Incomplete)
            _client.Input.AdvanceTo(buffer.End);
        return status;
    }

    /// <summary>In this order: is it HTTP, is it meant for us, is it a probe, may they, is there such a page, and does
    /// it know the method. So whoever may not have a page does not learn which there are.</summary>
    /// <returns>True when the connection may carry another request.</returns>
    private async LaneTask<bool> AnswerAsync(ParseStatus status)
    {
        if (status != ParseStatus.Complete)
        {
            AdminAnswer.Problem(_client.Output, null, keepAlive: false, ReasonOf(status));
            return false;
        }
        // Nothing here takes a body; one that comes is in the next request's way.
        bool keepAlive = _head.KeepAlive && _head.Framing == BodyFraming.None;
        if (!IsForUs())
        {
            AdminAnswer.Problem(_client.Output, _head, keepAlive, Reason.Denied,
                "Host must be the bound address, localhost or one of hosts in [admin], and Origin the same"u8);
            return keepAlive;
        }
        Page page = PageOf(_head.Path.Of(_bytes));
        if (page is not (Page.Health or Page.Ready))
        {
            AdminAccess.Verdict verdict = _site.Access.Of(Authorization);
            if (verdict != AdminAccess.Verdict.Granted)
                return await DenyAsync(verdict, keepAlive);
        }
        if (page == Page.None)
            AdminAnswer.Problem(_client.Output, _head, keepAlive, Reason.NoRoute);
        else if (page == Page.Servers)
            ChangeServer(_site.Servers!, keepAlive);
        else if (_head.Method is not (Method.Get or Method.Head))
            AdminAnswer.Problem(_client.Output, _head, keepAlive, Reason.MethodNotAllowed);
        else if (page == Page.Stats)
            return await SendStatsAsync(_site.Stats!, keepAlive);
        else
            AnswerProbe(page, keepAlive);
        return keepAlive;
    }

    private Page PageOf(ReadOnlySpan<byte> path) =>
        path.SequenceEqual("/healthz"u8) ? Page.Health
        : path.SequenceEqual("/readyz"u8) ? Page.Ready
        : path.SequenceEqual("/stats"u8) && _site.Stats is not null ? Page.Stats
        : ServerOrder.IsPath(path, out _) && _site.Servers is not null ? Page.Servers
        : Page.None;

    private void AnswerProbe(Page page, bool keepAlive)
    {
        (int code, string word) = page == Page.Health ? (200, "ok") : _site.Readiness switch
        {
            Readiness.Ready => (200, "ready"),
            Readiness.Starting => (503, "starting"),
            _ => (503, "draining"),
        };
        AdminAnswer.Probe(_client.Output, _head, keepAlive, code, word);
    }

    private void ChangeServer(ServerControl servers, bool keepAlive)
    {
        if (_head.Method != Method.Post)
        {
            AdminAnswer.Problem(_client.Output, _head, keepAlive, Reason.MethodNotAllowed, allow: Method.Post);
            return;
        }
        if (_head.Framing != BodyFraming.None)
        {
            AdminAnswer.Problem(_client.Output, _head, keepAlive, Reason.BadRequest,
                "this takes no body: address, state and weight are parameters of the query"u8);
            return;
        }
        ServerOrder.IsPath(_head.Path.Of(_bytes), out ReadOnlySpan<byte> upstream);
        PageWriter writer = _site.RentWriter();
        Reason reason = servers.Apply(upstream, _head.Query.Of(_bytes), _client.Remote.Text, _client.Lane.Now,
            writer.Json, out string problem);
        if (reason == Reason.None)
        {
            AdminAnswer.Document(_client.Output, _head, keepAlive, writer.Take());
        }
        else
        {
            AdminAnswer.Problem(_client.Output, _head, keepAlive, reason,
                JsonEncodedText.Encode(problem).EncodedUtf8Bytes);
        }
        _site.ReturnWriter(writer);
    }

    private async LaneTask<bool> DenyAsync(AdminAccess.Verdict verdict, bool keepAlive)
    {
        if (verdict == AdminAccess.Verdict.Closed)
        {
            AdminAnswer.Problem(_client.Output, _head, keepAlive, Reason.Denied,
                "bound beyond loopback without a token in [admin]: only /healthz and /readyz are served"u8);
            return keepAlive;
        }
        if (verdict == AdminAccess.Verdict.TokenWrong)
        {
            _site.ReportWrongToken(_client);
            await new LanePause(_client.Lane).WaitAsync(AdminLimits.WrongTokenMs);
            keepAlive = false;
        }
        AdminAnswer.Problem(_client.Output, _head, keepAlive, Reason.Unauthenticated);
        return keepAlive;
    }

    /// <summary>A page is made as it is taken: a piece, and when the client has it the next one. Between two, others
    /// have their turn.</summary>
    private async LaneTask<bool> SendStatsAsync(StatsPage stats, bool keepAlive)
    {
        if (!_site.TryBeginPage())
        {
            AdminAnswer.Problem(_client.Output, _head, keepAlive, Reason.Overloaded,
                "too many are reading pages: try again in a moment"u8);
            return keepAlive;
        }
        try
        {
            return await SendPageAsync(stats, keepAlive);
        }
        finally
        {
            _site.EndPage();
        }
    }

    private async LaneTask<bool> SendPageAsync(StatsPage stats, bool keepAlive)
    {
        bool chunked = _head.MinorVersion > 0;
        keepAlive &= chunked;
        AdminAnswer.Page(_client.Output, _head, keepAlive);
        if (_head.Method == Method.Head)
            return keepAlive;
        PageWriter writer = _site.RentWriter();
        try
        {
            long until = _client.Lane.Now + AdminLimits.PageMs;
            foreach (bool _ in stats.Write(writer.Json, () => _client.Lane.Now))
            {
                if (!writer.IsPiece)
                    continue;
                AppendPiece(writer, chunked);
                if (!await FlushAsync() || _client.Lane.Now > until)
                {
                    // Cut, so that nobody takes the half for a whole.
                    _client.Abort();
                    return false;
                }
                await _client.Lane.Yield();
            }
            AppendPiece(writer, chunked);
            if (chunked)
            {
                _client.Output.Append(ChunkedEncoder.LastChunk);
                _client.Output.Append("\r\n"u8);
            }
            return keepAlive;
        }
        finally
        {
            _site.ReturnWriter(writer);
        }
    }

    private void AppendPiece(PageWriter writer, bool chunked)
    {
        ReadOnlySpan<byte> piece = writer.Take();
        if (chunked)
        {
            Span<byte> line = stackalloc byte[ChunkedEncoder.SizeLineBytesMax];
            _client.Output.Append(line[..ChunkedEncoder.WriteSizeLine(line, piece.Length)]);
        }
        _client.Output.Append(piece);
        if (chunked)
            _client.Output.Append("\r\n"u8);
        writer.Forget();
    }

    private ReadOnlySpan<byte> Authorization
    {
        get
        {
            int index = _head.Headers.IndexOf(HeaderId.Authorization);
            return index < 0 ? default : _head.Headers[index].Value.Of(_bytes);
        }
    }

    private bool IsForUs()
    {
        ReadOnlySpan<byte> authority = _head.Authority.Of(_bytes);
        // HTTP/1.0 knows no Host, and no browser speaks it; checks of load balancers do.
        bool isKnown = authority.IsEmpty ? _head.MinorVersion == 0 : _site.Hosts.Accepts(authority);
        if (!isKnown)
            return false;
        bool isAction = _head.Method is not (Method.Get or Method.Head);
        foreach (ref readonly Header header in _head.Headers.Items)
        {
            if (header.Id == HeaderId.Origin && !AdminHosts.IsOwn(header.Value.Of(_bytes), authority))
                return false;
            if (isAction && AdminHosts.IsFetchSite(header.Name.Of(_bytes))
                && !AdminHosts.IsOwnSite(header.Value.Of(_bytes)))
            {
                return false;
            }
        }
        return true;
    }

    private static Reason ReasonOf(ParseStatus status) => status == ParseStatus.Incomplete
        ? Reason.ClientTimeout
        : status.StatusCode() switch
        {
            414 => Reason.TargetTooLong,
            417 => Reason.ExpectationFailed,
            431 => Reason.HeadTooLarge,
            501 => Reason.NotImplemented,
            505 => Reason.VersionNotSupported,
            _ => Reason.BadRequest,
        };

    private async LaneTask<bool> FlushAsync()
    {
        _client.SetWriteDeadline(_client.Lane.Now + AdminLimits.WaitMs);
        FlushResult flushed = await _client.Output.SendAsync();
        return !flushed.IsCompleted && !flushed.IsCanceled;
    }
}
