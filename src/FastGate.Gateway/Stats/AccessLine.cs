namespace FastGate.Gateway.Stats;

/// <summary>The two forms of an access line. Names of JSON attributes are those of the OpenTelemetry semantic
/// conventions where they have one; what is not there has no attribute.</summary>
internal static class AccessLine
{
    private const int Long = LogLimits.LongValueBytesMax;
    private const int Short = LogLimits.ShortValueBytesMax;

    /// <summary>The most bytes this record's line can take.</summary>
    public static int BytesMax(in AccessRecord record)
    {
        int values = Math.Min(record.Path.Length, Long) + Math.Min(record.Query.Length, Long)
            + Math.Min(record.UserAgent.Length, Long) + Math.Min(record.Method.Length, Short)
            + Math.Min(record.Authority.Length, Short) + Math.Min(record.ClientAddress.Length, Short)
            + Math.Min(record.RequestId.Length, Short) + Math.Min(record.Route.Length, Short)
            + Math.Min(record.Upstream.Length, Short) + Math.Min(record.Server.Length, Short);
        return LogLimits.LineFixedBytesMax + values * LogLimits.EscapedByteBytesMax;
    }

    public static void WriteJson(ref LineWriter line, in AccessRecord record, TimeText time)
    {
        line.Raw("{\"time\":\""u8);
        time.WriteRfc3339(ref line, record.StartUnixUs);
        line.Raw("\",\"http.request.method\":\""u8);
        line.Json(record.Method, Short);
        line.Raw("\",\"url.scheme\":\""u8);
        line.Raw(record.IsTls ? "https"u8 : "http"u8);
        line.Raw("\",\"url.path\":\""u8);
        line.Json(record.Path, Long);
        JsonUnlessEmpty(ref line, "\",\"url.query\":\""u8, record.Query, Long);
        JsonServer(ref line, record.Authority);
        line.Raw(",\"client.address\":\""u8);
        line.Json(record.ClientAddress, Short);
        JsonUnlessEmpty(ref line, "\",\"user_agent.original\":\""u8, record.UserAgent, Long);
        line.Raw("\",\"network.protocol.version\":\"1."u8);
        line.Number(record.MinorVersion);
        line.Raw("\",\"http.response.status_code\":"u8);
        line.Number(record.Status);
        line.Raw(",\"http.request.body.size\":"u8);
        line.Number(record.RequestBodyBytes);
        line.Raw(",\"http.response.body.size\":"u8);
        line.Number(record.ResponseBodyBytes);
        line.Raw(",\"duration_us\":"u8);
        line.Number(record.DurationUs);
        line.Raw(",\"overhead_us\":"u8);
        line.Number(record.OverheadUs);
        if (!record.Upstream.IsEmpty)
        {
            JsonUpstream(ref line, record);
        }
        if (record.Reason != Reason.None)
        {
            line.Raw(",\"reason\":\""u8);
            line.Raw(record.Reason.Word);
            if (!record.Rule.IsEmpty)
            {
                line.Raw("\",\"rule\":\""u8);
                line.Raw(record.Rule);
            }
            line.Byte((byte)'"');
        }
        line.Raw(",\"route\":\""u8);
        line.Json(record.Route, Short);
        line.Raw("\",\"request_id\":\""u8);
        line.Json(record.RequestId, Short);
        line.Raw("\"}\n"u8);
    }

    /// <summary>The combined log format (without the referer, which is not kept), then our own fields by
    /// name.</summary>
    public static void WriteText(ref LineWriter line, in AccessRecord record, TimeText time)
    {
        line.TextWord(record.ClientAddress, Short);
        line.Raw(" - - ["u8);
        time.WriteCommon(ref line, record.StartUnixUs);
        line.Raw("] \""u8);
        line.Text(record.Method, Short);
        line.Byte((byte)' ');
        line.Text(record.Path, Long);
        if (!record.Query.IsEmpty)
        {
            line.Byte((byte)'?');
            line.Text(record.Query, Long);
        }
        line.Raw(" HTTP/1."u8);
        line.Number(record.MinorVersion);
        line.Raw("\" "u8);
        line.Number(record.Status);
        line.Byte((byte)' ');
        line.Number(record.ResponseBodyBytes);
        line.Raw(" \"-\" \""u8);
        if (record.UserAgent.IsEmpty)
        {
            line.Byte((byte)'-');
        }
        line.Text(record.UserAgent, Long);
        line.Raw("\" host="u8);
        line.TextWord(record.Authority, Short);
        line.Raw(" route="u8);
        line.TextWord(record.Route, Short);
        line.Raw(" upstream="u8);
        line.TextWord(record.Upstream, Short);
        line.Raw(" server="u8);
        line.TextWord(record.Server, Short);
        line.Raw(" duration_us="u8);
        line.Number(record.DurationUs);
        line.Raw(" upstream_us="u8);
        line.Number(record.UpstreamUs);
        line.Raw(" overhead_us="u8);
        line.Number(record.OverheadUs);
        line.Raw(" retries="u8);
        line.Number(record.Retries);
        line.Raw(" reason="u8);
        line.TextWord(record.Reason.Word, Short);
        if (!record.Rule.IsEmpty)
        {
            line.Raw(" rule="u8);
            line.Raw(record.Rule);
        }
        line.Raw(" request_id="u8);
        line.TextWord(record.RequestId, Short);
        line.Byte((byte)'\n');
    }

    private static void JsonUnlessEmpty(
        ref LineWriter line, ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, int bytesMax)
    {
        if (!value.IsEmpty)
        {
            line.Raw(key);
            line.Json(value, bytesMax);
        }
    }

    private static void JsonUpstream(ref LineWriter line, in AccessRecord record)
    {
        line.Raw(",\"upstream_us\":"u8);
        line.Number(record.UpstreamUs);
        line.Raw(",\"upstream\":\""u8);
        line.Json(record.Upstream, Short);
        JsonUnlessEmpty(ref line, "\",\"server\":\""u8, record.Server, Short);
        line.Byte((byte)'"');
        if (record.Retries != 0)
        {
            line.Raw(",\"retries\":"u8);
            line.Number(record.Retries);
        }
    }

    /// <summary>The conventions want host and port apart. Comes after an open string and leaves none.</summary>
    private static void JsonServer(ref LineWriter line, ReadOnlySpan<byte> authority)
    {
        line.Byte((byte)'"');
        if (authority.IsEmpty)
        {
            return;
        }
        int port = PortOf(authority, out ReadOnlySpan<byte> host);
        line.Raw(",\"server.address\":\""u8);
        line.Json(host, Short);
        line.Byte((byte)'"');
        if (port >= 0)
        {
            line.Raw(",\"server.port\":"u8);
            line.Number(port);
        }
    }

    /// <summary>The port of <c>host:port</c>, <c>[v6]:port</c>, or -1; the host comes without brackets. An authority
    /// that is neither stays as it is: a log shows what was sent.</summary>
    private static int PortOf(ReadOnlySpan<byte> authority, out ReadOnlySpan<byte> host)
    {
        host = authority;
        int port = -1;
        int colon = authority.LastIndexOf((byte)':');
        if (colon > 0 && authority.Length - colon is > 1 and <= 6)
        {
            port = 0;
            foreach (byte digit in authority[(colon + 1)..])
            {
                if (digit is < (byte)'0' or > (byte)'9')
                {
                    port = -1;
                    break;
                }
                port = port * 10 + digit - '0';
            }
            bool bare = !authority[..colon].Contains((byte)':') || authority[colon - 1] == ']';
            if (port > ushort.MaxValue || !bare)
            {
                port = -1;
            }
        }
        if (port >= 0)
        {
            host = authority[..colon];
        }
        if (host.Length > 2 && host[0] == '[' && host[^1] == ']')
        {
            host = host[1..^1];
        }
        return port;
    }
}
