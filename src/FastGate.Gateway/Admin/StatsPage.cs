using System.Globalization;
using System.Text.Json;
using FastGate.Gateway.Proxy;
using FastGate.Gateway.Stats;
using FastGate.Gateway.Upstreams;
using FastGate.Net;
using FastGate.Net.Time;

namespace FastGate.Gateway.Admin;

/// <summary><c>/stats</c>, schema 1: reads the counters of a gate, without asking anything of its lanes, and writes
/// them as JSON. Belongs to the admin lane.</summary>
public sealed class StatsPage
{
    private const int Schema = 1;

    private readonly Gate _gate;
    private readonly ProcessFacts _facts;
    private readonly ProcessGauges _gauges = new();
    // Filled and written between two steps, so that pages that are written at the same time can share them.
    private readonly StatsTotals _totals = new();
    private readonly RequestTotals _route = new();
    private readonly HistogramReading _histogram = new();
    private volatile LoadedConfig _config;

    public StatsPage(Gate gate, ProcessFacts facts, LoadedConfig config) =>
        (_gate, _facts, _config) = (gate, facts, config);

    /// <summary>What the gate serves by. Any thread.</summary>
    public LoadedConfig Config
    {
        get => _config;
        set => _config = value;
    }

    /// <summary>Writes the document step by step: after each, what was written may be sent, and others may have their
    /// turn. Its numbers are of the moment in which their step is made.</summary>
    /// <param name="json">Where to.</param>
    /// <param name="clock">Milliseconds of the lanes' clock, at each step: a slow reader is a minute later at the last
    /// than at the first.</param>
    internal IEnumerable<bool> Write(Utf8JsonWriter json, Func<long> clock)
    {
        json.WriteStartObject();
        WriteProcess(json, clock());
        WriteListeners(json);
        WriteRequests(json, clock());
        json.WriteStartArray("routes"u8);
        foreach (Route route in _gate.Table.RouteList)
        {
            WriteRoute(json, route);
            yield return true;
        }
        json.WriteEndArray();
        json.WriteStartArray("upstreams"u8);
        foreach (Upstream upstream in _gate.Upstreams)
        {
            WriteUpstream(json, upstream, clock());
            foreach (Server server in upstream.Servers)
            {
                WriteServer(json, upstream, server, clock());
                yield return true;
            }
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
        // Later: what their rooms count.
        WriteNothing(json, "limits"u8);
        WriteNothing(json, "caches"u8);
        json.WriteStartArray("lanes"u8);
        foreach (Lane lane in _gate.Lanes)
        {
            WriteLane(json, lane, clock());
            yield return true;
        }
        json.WriteEndArray();
        WriteMemory(json, clock());
        json.WriteEndObject();
    }

    private void WriteProcess(Utf8JsonWriter json, long now)
    {
        _gauges.Refresh(now);
        LoadedConfig config = _config;
        json.WriteNumber("schema"u8, Schema);
        json.WriteString("version"u8, _facts.Version);
        WriteTime(json, "started_at"u8, _facts.StartedAt);
        json.WriteNumber("window_seconds"u8, RequestRate.WindowSeconds);
        json.WriteBoolean("draining"u8, _gate.IsDraining);
        json.WriteStartObject("config"u8);
        json.WriteString("hash"u8, config.Hash);
        WriteTime(json, "loaded_at"u8, config.LoadedAt);
        if (config.LastReload is { } reload)
        {
            json.WriteStartObject("last_reload"u8);
            WriteTime(json, "at"u8, reload.At);
            json.WriteBoolean("ok"u8, reload.IsOk);
            json.WriteString("error"u8, reload.Error);
            json.WriteEndObject();
        }
        else
        {
            json.WriteNull("last_reload"u8);
        }
        json.WriteEndObject();
    }

    private void WriteListeners(Utf8JsonWriter json)
    {
        json.WriteStartArray("listeners"u8);
        ListenerOptions[] listeners = _gate.Table.Listeners;
        for (int i = 0; i < listeners.Length; i++)
        {
            json.WriteStartObject();
            json.WriteString("name"u8, listeners[i].Name);
            // As bound, for port 0 is another one by then; before that, as written.
            json.WriteString("bind"u8, _gate.Listeners[i]?.Address.Text ?? listeners[i].Bind.Text);
            json.WriteNumber("connections"u8, _gate.Stats.OpenOf(i));
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private void WriteRequests(Utf8JsonWriter json, long now)
    {
        _totals.Clear();
        _gate.Stats.AddTo(_totals);
        long upstreamConnections = 0;
        foreach (Upstream upstream in _gate.Upstreams)
        {
            foreach (Server server in upstream.Servers)
            {
                upstreamConnections += server.Connections + server.Tunnels;
            }
        }
        json.WriteStartObject("connections"u8);
        json.WriteNumber("client"u8, _totals.ClientsOpen);
        json.WriteNumber("upstream"u8, upstreamConnections);
        json.WriteEndObject();
        json.WriteStartObject("fds"u8);
        WriteNumber(json, "open"u8, _gauges.DescriptorsOpen);
        WriteNumber(json, "max"u8, _facts.DescriptorsMax);
        json.WriteEndObject();
        json.WriteNumber("log_dropped"u8, _facts.LogDropped());

        double seconds = (now - Math.Max(_facts.StartedMs, RequestRate.WindowStart(now))) / 1000.0;
        json.WriteStartObject("requests"u8);
        json.WriteNumber("total"u8, _totals.Requests);
        WriteRatio(json, "per_second"u8, _gate.Stats.Rate(now).Requests, seconds);
        WriteStatuses(json, _totals);
        // What no route took has no place among the routes, whose names are the operator's.
        json.WriteStartObject("unrouted"u8);
        WriteCounts(json, ReadRoute(LaneStats.NoRoute));
        json.WriteEndObject();
        json.WriteEndObject();
    }

    private void WriteRoute(Utf8JsonWriter json, Route route)
    {
        RequestTotals totals = ReadRoute(route.Id);
        json.WriteStartObject();
        json.WriteString("name"u8, route.Name);
        json.WriteNumber("in_flight"u8, totals.InFlight);
        WriteCounts(json, totals);
        // Later: until they are measured they are null, and then a count with percentiles.
        json.WriteNull("latency_us"u8);
        json.WriteNull("overhead_us"u8);
        json.WriteNull("upstream_us"u8);
        json.WriteEndObject();
    }

    private RequestTotals ReadRoute(int id)
    {
        _route.Clear();
        _gate.Stats.AddRouteTo(id, _route);
        return _route;
    }

    private static void WriteCounts(Utf8JsonWriter json, RequestTotals totals)
    {
        json.WriteNumber("requests"u8, totals.Requests);
        WriteStatuses(json, totals);
        json.WriteNumber("bytes_in"u8, totals.BytesIn);
        json.WriteNumber("bytes_out"u8, totals.BytesOut);
        json.WriteStartObject("errors"u8);
        for (int i = 1; i < ReasonWords.Count; i++)
        {
            if (totals.ByReason[i] > 0)
            {
                json.WriteNumber(((Reason)i).Word, totals.ByReason[i]);
            }
        }
        json.WriteEndObject();
    }

    private static void WriteStatuses(Utf8JsonWriter json, RequestTotals totals)
    {
        Span<byte> name = stackalloc byte[3];
        json.WriteStartObject("by_status"u8);
        ReadOnlySpan<long> counts = totals.ByStatus;
        for (int at = counts.IndexOfAnyExcept(0); at >= 0;)
        {
            (LaneStats.StatusMin + at).TryFormat(name, out _, provider: CultureInfo.InvariantCulture);
            json.WriteNumber(name, counts[at]);
            int next = counts[(at + 1)..].IndexOfAnyExcept(0);
            at = next < 0 ? -1 : at + 1 + next;
        }
        json.WriteEndObject();
    }

    /// <summary>Up to its servers, which follow one by one.</summary>
    private static void WriteUpstream(Utf8JsonWriter json, Upstream upstream, long now)
    {
        json.WriteStartObject();
        json.WriteString("name"u8, upstream.Name);
        json.WriteNumber("queued"u8, upstream.Queue.Count);
        (long charged, long free) = upstream.RetryBudget.Sum();
        json.WriteNumber("retries"u8, charged + free);
        json.WriteNumber("retries_charged"u8, charged);
        WriteNumber(json, "retry_budget_left"u8, upstream.RetryBudget.IsOn ? upstream.RetryBudget.Left(now) : null);
        json.WriteStartArray("servers"u8);
    }

    internal void WriteServer(Utf8JsonWriter json, Upstream upstream, Server server, long now)
    {
        ServerStatus status = server.Status;
        double ewmaUs = server.LatencyUs(now);
        (long requests, long errors) = server.Stats.Sum();
        json.WriteStartObject();
        json.WriteString("address"u8, server.Name);
        json.WriteNumber("weight"u8, server.Weight);
        json.WriteString("state"u8, status.State.Word());
        WriteTime(json, "state_since"u8, TimeOf(status.Since));
        json.WriteString("state_reason"u8, status.Reason.Length > 0 ? status.Reason : null);
        WriteTime(json, "last_check"u8, server.LastCheck >= 0 ? TimeOf(server.LastCheck) : null);
        json.WriteNumber("active"u8, server.Active);
        json.WriteNumber("idle"u8, upstream.IdleOf(server));
        json.WriteNumber("requests"u8, requests);
        json.WriteNumber("errors"u8, errors);
        _histogram.Clear();
        server.Stats.AddLatencyTo(_histogram, now);
        WriteHistogram(json, "latency_us"u8);
        WriteNumber(json, "ewma_us"u8, ewmaUs > 0 ? (long)ewmaUs : null);
        json.WriteEndObject();
    }

    private void WriteLane(Utf8JsonWriter json, Lane lane, long now)
    {
        json.WriteStartObject();
        json.WriteNumber("index"u8, lane.Index);
        _histogram.Clear();
        lane.LoopLag.AddTo(_histogram, now);
        WriteHistogram(json, "loop_lag_us"u8);
        json.WriteNumber("connections"u8, lane.Connections);
        json.WriteNumber("requests"u8, _gate.Stats.ForLane(lane.Index).Rate.Requests);
        json.WriteEndObject();
    }

    private void WriteMemory(Utf8JsonWriter json, long now)
    {
        RateReading rate = _gate.Stats.Rate(now);
        json.WriteStartObject("memory"u8);
        json.WriteNumber("rss_bytes"u8, _gauges.ResidentBytes);
        json.WriteNumber("heap_bytes"u8, _gauges.HeapBytes);
        WriteRatio(json, "alloc_bytes_per_request"u8, rate.AllocatedBytes, rate.MeasuredRequests);
        if (_facts.GcPauses is { } pauses)
        {
            _histogram.Clear();
            pauses.AddTo(_histogram);
            WriteHistogram(json, "gc_pause_us"u8);
        }
        else
        {
            json.WriteNull("gc_pause_us"u8);
        }
        json.WriteEndObject();
    }

    private void WriteHistogram(Utf8JsonWriter json, ReadOnlySpan<byte> name)
    {
        json.WriteStartObject(name);
        json.WriteNumber("count"u8, _histogram.Count);
        WriteNumber(json, "p50"u8, _histogram.Percentile(50, 100));
        WriteNumber(json, "p90"u8, _histogram.Percentile(90, 100));
        WriteNumber(json, "p99"u8, _histogram.Percentile(99, 100));
        WriteNumber(json, "p999"u8, _histogram.Percentile(999, 1000));
        WriteNumber(json, "max"u8, _histogram.Count > 0 ? _histogram.Max : null);
        json.WriteEndObject();
    }

    private static void WriteNothing(Utf8JsonWriter json, ReadOnlySpan<byte> name)
    {
        json.WriteStartArray(name);
        json.WriteEndArray();
    }

    private static void WriteNumber(Utf8JsonWriter json, ReadOnlySpan<byte> name, long? value)
    {
        if (value is { } number)
        {
            json.WriteNumber(name, number);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    /// <summary>Two decimals; null where there is nothing to divide by.</summary>
    private static void WriteRatio(Utf8JsonWriter json, ReadOnlySpan<byte> name, double value, double by)
    {
        if (by > 0)
        {
            json.WriteNumber(name, Math.Round(value / by, 2));
        }
        else
        {
            json.WriteNull(name);
        }
    }

    /// <summary>A moment of the lanes' clock; nothing is older than the process.</summary>
    private DateTimeOffset TimeOf(long ms) =>
        _facts.StartedAt + TimeSpan.FromMilliseconds(Math.Max(0, ms - _facts.StartedMs));

    /// <summary>RFC 3339, UTC, to the millisecond.</summary>
    private static void WriteTime(Utf8JsonWriter json, ReadOnlySpan<byte> name, DateTimeOffset? time)
    {
        Span<byte> text = stackalloc byte[32];
        if (time is { } known
            && known.UtcDateTime.TryFormat(text, out int length, "yyyy-MM-dd'T'HH:mm:ss.fff'Z'",
                CultureInfo.InvariantCulture))
        {
            json.WriteString(name, text[..length]);
        }
        else
        {
            json.WriteNull(name);
        }
    }
}
