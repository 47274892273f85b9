using System.Text;
using System.Text.Json;
using FastGate.Gateway.Admin;
using FastGate.Tests.Proxy;

namespace FastGate.Tests.Admin;

/// <summary>How a page goes over the wire.</summary>
public sealed class AdminPageTests
{
    private const int ManyRoutes = 2_000;

    [Fact]
    public void A_page_comes_in_chunks_and_the_connection_goes_on()
    {
        using var gate = new GateInMemory();
        using var admin = new AdminInMemory(stats: StatsDocument.Page(gate.Gate));
        Peer client = admin.Connect();
        for (int i = 0; i < 3; i++)
        {
            client.Forget();
            client.Send(AdminSecurityTests.Get("/stats?pretty"));
            (string head, string body) = Split(client.Received);
            Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nDate: ", head,
                StringComparison.Ordinal);
            Assert.EndsWith("\r\nTransfer-Encoding: chunked\r\n\r\n", head, StringComparison.Ordinal);
            Assert.Equal(1, JsonOf(Unchunked(body)).Number("schema"));
        }
        Assert.False(client.Ended);
    }

    [Fact]
    public void Head_has_the_head_only()
    {
        using var gate = new GateInMemory();
        using var admin = new AdminInMemory(stats: StatsDocument.Page(gate.Gate));
        string answer = admin.Ask("HEAD /stats HTTP/1.1\r\nHost: localhost\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n", answer, StringComparison.Ordinal);
        Assert.EndsWith("\r\nTransfer-Encoding: chunked\r\n\r\n", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void An_old_client_gets_it_up_to_the_end_of_its_connection()
    {
        using var gate = new GateInMemory();
        using var admin = new AdminInMemory(stats: StatsDocument.Page(gate.Gate));
        Peer client = admin.Connect();
        client.Send("GET /stats HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        (string head, string body) = Split(client.Received);
        Assert.DoesNotContain("Transfer-Encoding", head, StringComparison.Ordinal);
        Assert.EndsWith("\r\nConnection: close\r\n\r\n", head, StringComparison.Ordinal);
        Assert.Equal(1, JsonOf(body).Number("schema"));
        Assert.True(client.Ended);
        Assert.False(client.Broken);
    }

    [Fact]
    public void A_post_to_a_page_is_405()
    {
        using var gate = new GateInMemory();
        using var admin = new AdminInMemory(stats: StatsDocument.Page(gate.Gate));
        Assert.StartsWith("HTTP/1.1 405 ", admin.Ask("POST /stats HTTP/1.1\r\nHost: localhost\r\n\r\n"),
            StringComparison.Ordinal);
    }

    [Fact]
    public void Thousands_of_routes_come_in_pieces_of_their_bound_and_whole()
    {
        using GateInMemory gate = WithRoutes(ManyRoutes);
        using var admin = new AdminInMemory(stats: StatsDocument.Page(gate.Gate));
        (_, string body) = Split(admin.Ask(AdminSecurityTests.Get("/stats")));
        List<int> sizes = [];
        JsonElement stats = JsonOf(Unchunked(body, sizes));
        Assert.Equal(ManyRoutes, stats.At("routes").GetArrayLength());
        Assert.Equal("r1999", stats.At("routes/1999/name").GetString());
        Assert.True(sizes.Count > 10);
        Assert.All(sizes, size => Assert.InRange(size, 1, 2 * AdminLimits.PieceBytes));
    }

    /// <summary>Who does not take it holds one piece, keeps nobody waiting, and is cut in the end.</summary>
    [Fact]
    public void A_reader_that_stops_is_cut_and_the_others_go_on()
    {
        using GateInMemory gate = WithRoutes(ManyRoutes);
        using var admin = new AdminInMemory(stats: StatsDocument.Page(gate.Gate));
        Peer slow = admin.Connect();
        slow.Hold();
        slow.Send(AdminSecurityTests.Get("/stats"));
        Assert.Equal(0, slow.ReceivedBytes);
        (_, string body) = Split(admin.Ask(AdminSecurityTests.Get("/stats")));
        Assert.Equal(ManyRoutes, JsonOf(Unchunked(body)).At("routes").GetArrayLength());
        admin.Advance(AdminLimits.WaitMs - 1);
        Assert.False(slow.Broken);
        admin.Advance(1);
        Assert.True(slow.Broken);
        Assert.Empty(admin.TakeLog());
    }

    /// <summary>Who takes pages slowly keeps probes out no more than other readers: room for both is left.</summary>
    [Fact]
    public void Many_slow_readers_leave_room_for_probes_and_for_each_other_in_turn()
    {
        using GateInMemory gate = WithRoutes(ManyRoutes);
        using var admin = new AdminInMemory(stats: StatsDocument.Page(gate.Gate));
        Peer[] slow = [.. Enumerable.Range(0, AdminLimits.PagesMax).Select(_ => admin.Connect())];
        foreach (Peer reader in slow)
        {
            reader.Hold();
            reader.Send(AdminSecurityTests.Get("/stats"));
        }
        string refused = admin.Ask(AdminSecurityTests.Get("/stats"));
        Assert.StartsWith("HTTP/1.1 503 ", refused, StringComparison.Ordinal);
        Assert.Contains("\r\nRetry-After: 1\r\n", refused, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 200 ", admin.Ask(AdminSecurityTests.Get("/healthz")), StringComparison.Ordinal);
        admin.Advance(AdminLimits.WaitMs);
        Assert.All(slow, reader => Assert.True(reader.Broken));
        Assert.StartsWith("HTTP/1.1 200 ", admin.Ask(AdminSecurityTests.Get("/stats")), StringComparison.Ordinal);
    }

    /// <summary>Whoever opens connections and asks nothing keeps nobody out: the longest waiting one goes.</summary>
    [Fact]
    public void Connections_that_ask_nothing_make_room_the_longest_waiting_first()
    {
        using var admin = new AdminInMemory();
        Peer[] silent = [.. Enumerable.Range(0, AdminLimits.ConnectionsMax).Select(_ => admin.Connect())];
        silent[1].Send("GET /healthz HTTP/1.1\r\nHost: loc");
        // It asked, and waits again: behind the others.
        silent[0].Send(AdminSecurityTests.Get("/healthz"));
        Peer client = admin.Connect();
        Assert.Equal([1], Enumerable.Range(0, silent.Length).Where(i => silent[i].Broken));
        client.Send(AdminSecurityTests.Get("/healthz"));
        Assert.StartsWith("HTTP/1.1 200 ", client.Received, StringComparison.Ordinal);
        for (int i = 0; i < 3 * AdminLimits.ConnectionsMax; i++)
        {
            admin.Connect();
        }
        Assert.True(client.Broken);
        Assert.StartsWith("HTTP/1.1 200 ", admin.Ask(AdminSecurityTests.Get("/healthz")), StringComparison.Ordinal);
        Assert.Empty(admin.TakeLog());
    }

    private static GateInMemory WithRoutes(int count)
    {
        var toml = new StringBuilder("version = 1\n[log]\naccess = \"off\"\n[[listener]]\nname = \"web\"\nbind = \":1\"\n");
        for (int i = 0; i < count; i++)
        {
            toml.Append($"[[route]]\nname = \"r{i}\"\nmatch = \"/r{i}\"\nrespond = {{}}\n");
        }
        return new GateInMemory(toml.ToString());
    }

    private static (string Head, string Body) Split(string answer)
    {
        int end = answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4;
        return (answer[..end], answer[end..]);
    }

    private static string Unchunked(string body, List<int>? sizes = null)
    {
        var data = new StringBuilder();
        while (true)
        {
            int line = body.IndexOf("\r\n", StringComparison.Ordinal);
            int size = Convert.ToInt32(body[..line], 16);
            if (size == 0)
            {
                Assert.Equal("0\r\n\r\n", body);
                return data.ToString();
            }
            sizes?.Add(size);
            data.Append(body.AsSpan(line + 2, size));
            Assert.Equal("\r\n", body.Substring(line + 2 + size, 2));
            body = body[(line + 2 + size + 2)..];
        }
    }

    private static JsonElement JsonOf(string text)
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return document.RootElement.Clone();
    }
}
