using FastGate.Gateway.Upstreams;

namespace FastGate.Tests.Proxy;

/// <summary>All servers in use refuse: one that is ejected, or a backup, may have come back or be up, and nobody has told
/// yet.</summary>
public sealed class LastResortTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string Post = "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody";
    private const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    [Theory]
    [InlineData(Get)]
    [InlineData(Post)]
    public void An_ejected_server_is_asked_when_all_others_refuse(string request)
    {
        using var bed = new RetryBed(servers: ["/a", "/nobody"], upstream: "");
        Say(bed, 0, StateVoice.Ejection, ServerState.Ejected);
        Peer client = bed.Connect();
        for (int i = 0; i < 3; i++)
        {
            client.Forget();
            client.Send(request);
            bed.Asked().Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
        }
        Assert.Equal((0, 3), bed.Budget.Sum());
        Assert.Equal(ServerState.Ejected, bed.Gate.Gate.Upstreams[0].Servers[0].Status.State);
        Assert.Equal(0, bed.Gate.Gate.Upstreams[0].Servers.Sum(static server => server.Active));
    }

    [Theory]
    [InlineData(StateVoice.Ejection, "eject = { panic = \"none\" }", "")]
    [InlineData(StateVoice.Ejection, "", "retry = \"off\"")]
    [InlineData(StateVoice.Ejection, "", "retry = { on = [\"reset\", \"503\"] }")]
    [InlineData(StateVoice.Health, "", "")]
    [InlineData(StateVoice.Operator, "", "")]
    public void Who_may_not_be_used_is_not_asked(StateVoice voice, string upstream, string route)
    {
        using var bed = new RetryBed(route, servers: ["/a", "/nobody"], upstream);
        Say(bed, 0, StateVoice.Ejection, ServerState.Ejected);
        if (voice != StateVoice.Ejection)
        {
            Say(bed, 0, voice, ServerState.Down);
        }
        Peer client = bed.Connect();
        client.Send(Get);
        Assert.Contains("error=connection_refused\r\n", client.Received);
        Assert.Null(bed.TryAsked());
    }

    [Fact]
    public void What_was_sent_already_does_not_go_to_an_ejected_server()
    {
        using var bed = new RetryBed("retry = { retries = 5 }", servers: ["/a", "/b"], upstream: "");
        Say(bed, 0, StateVoice.Ejection, ServerState.Ejected);
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Asked().Reset();
        Assert.Contains("error=connection_terminated\r\n", client.Received);
        Assert.Null(bed.TryAsked());
    }

    [Fact]
    public void A_backup_that_is_up_comes_before_who_is_ejected()
    {
        using var bed = new RetryBed(servers: ["/a", "/nobody", "/backup"], upstream: "");
        Say(bed, 0, StateVoice.Ejection, ServerState.Ejected);
        Peer client = bed.Connect();
        for (int i = 0; i < 10; i++)
        {
            client.Forget();
            client.Send(Get);
            bed.Asked().Send(Ok);
            Assert.EndsWith("\r\n\r\nok", client.Received);
        }
        Assert.Empty(bed.Peers[0]);
    }

    [Fact]
    public void One_that_is_full_is_not_waited_for()
    {
        using var bed = new RetryBed(servers: ["/a", "/nobody"], upstream: "pool = { connections_max = 1 }");
        Say(bed, 0, StateVoice.Ejection, ServerState.Ejected);
        Peer first = bed.Connect();
        first.Send(Get);
        Peer asked = bed.Asked();
        Peer second = bed.Connect();
        second.Send(Get);
        Assert.Contains("error=connection_limit_reached\r\n", second.Received);
        asked.Send(Ok);
        Assert.EndsWith("\r\n\r\nok", first.Received);
    }

    /// <summary>The choice is for one try.</summary>
    [Fact]
    public void The_next_request_is_the_balancer_s_again()
    {
        using var bed = new RetryBed(servers: ["/a", "/nobody"], upstream: "");
        Say(bed, 0, StateVoice.Ejection, ServerState.Ejected);
        Peer client = bed.Connect();
        client.Send(Get);
        bed.Asked().Send(Ok);
        List<Peer> late = bed.Gate.Listen("/nobody");
        client.Forget();
        client.Send(Get);
        Assert.Null(bed.TryAsked());
        Assert.Single(late).Send(Ok);
        Assert.EndsWith("\r\n\r\nok", client.Received);
    }

    private static void Say(RetryBed bed, int server, StateVoice voice, ServerState state) => bed.Gate.On(
        () => bed.Gate.Gate.Upstreams[0].Servers[server].SetState(voice, state, "test", bed.Gate.Lane.Now));
}
