using System.Text.Json;
using FastGate.Cli;
using FastGate.Gateway.Admin;
using FastGate.Tests.Admin;
using FastGate.Tests.Proxy;

namespace FastGate.Tests.Cli;

public sealed class StatsTableTests
{
    [Fact]
    public void A_document_for_people()
    {
        const string document = """
            {"schema":1,"version":"1.2.3","started_at":"2026-11-24T12:14:25.678Z","draining":true,
            "config":{"hash":"0123456789abcdef"},"connections":{"client":12,"upstream":3},
            "fds":{"open":20,"max":null},"log_dropped":0,
            "requests":{"total":1003,"per_second":2.5,"by_status":{"200":1000,"404":3},"unrouted":{"requests":3}},
            "routes":[{"name":"idle","in_flight":0,"requests":0,"by_status":{},"bytes_in":0,"bytes_out":0,"errors":{}},
            {"name":"a\u001b[31m","in_flight":2,"requests":1000,"by_status":{"200":990,"302":1,"499":4,"502":5},
            "bytes_in":1536,"bytes_out":10485760,"errors":{"client_closed":4,"connection_refused":5}}],
            "upstreams":[{"name":"u","queued":1,"servers":[
            {"address":"10.0.0.1:80","state":"up","state_reason":"dns","active":2,"idle":8,"requests":1000,"errors":5,
            "latency_us":{"count":3,"p50":850,"p99":1250,"max":2000000}},
            {"address":"b.example.com:80","state":"unresolved","state_reason":"dns","active":0,"idle":0,"requests":0,"errors":0,
            "latency_us":{"count":0,"p50":null,"p99":null,"max":null}}]}],
            "lanes":[{"index":0,"loop_lag_us":{"count":9,"p50":12,"p99":80,"max":4000},"connections":15,"requests":1003}],
            "memory":{"rss_bytes":34078720}}
            """;
        using JsonDocument json = JsonDocument.Parse(document);
        Assert.Equal("""
            fastgate 1.2.3 since 2026-11-24T12:14:25.678Z, config 0123456789ab, draining
            connections: 12 of clients, 3 to upstreams; descriptors: 20 of -; memory: 32.5MiB; log lines dropped: 0
            requests: 1003, 2.5/s in the last minute; 200: 1000; 404: 3
            of these no route took 3

            route   requests  in flight  2xx  3xx  4xx  5xx      in    out  errors
            a�[31m      1000          2  990    1    4    5  1.5KiB  10MiB       9
            routes not shown: 1 (--json has all)

            upstream  server            state            active  idle  queued  requests  errors    p50    p99  max
            u         10.0.0.1:80       up                    2     8       1      1000       5  850us  1.3ms   2s
            u         b.example.com:80  unresolved: dns       0     0       1         0       0      -      -    -

            lane  connections  requests  lag p50   p99  max
            0              15      1003     12us  80us  4ms

            """, Written(json.RootElement));
    }

    [Fact]
    public void Every_name_it_asks_for_is_in_the_document_that_is_served()
    {
        using var gate = new GateInMemory();
        gate.Connect();
        string text = Written(StatsDocument.Read(StatsDocument.Page(gate.Gate), gate.Lane.Now));
        Assert.Contains("connections: 1 of clients", text, StringComparison.Ordinal);
        Assert.Contains("\nu         demo:", text, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_many_routes_the_busiest_are_shown()
    {
        using var gate = new GateInMemory("""
            version = 1
            [[listener]]
            name = "web"
            bind = "127.0.0.1:8080"

            """ + string.Concat(Enumerable.Range(0, 25).Select(i =>
            $"[[route]]\nname = \"r{i}\"\nmatch = \"/r{i}\"\nrespond = {{}}\n")));
        Peer client = gate.Connect();
        for (int i = 1; i < 25; i++)
        {
            client.Send(string.Concat(Enumerable.Repeat($"GET /r{i} HTTP/1.1\r\nHost: h\r\n\r\n", i)));
        }
        string text = Written(StatsDocument.Read(StatsDocument.Page(gate.Gate), gate.Lane.Now));
        Assert.Contains("errors\nr24          24 ", text, StringComparison.Ordinal);
        Assert.Contains("\nr5            5 ", text, StringComparison.Ordinal);
        Assert.DoesNotContain("\nr4 ", text, StringComparison.Ordinal);
        Assert.Contains("\nroutes not shown: 5 (--json has all)\n", text, StringComparison.Ordinal);
    }

    private static string Written(JsonElement stats)
    {
        var to = new StringWriter();
        StatsTable.Write(stats, to);
        return to.ToString();
    }
}
