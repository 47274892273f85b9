using FastGate.Gateway.Upstreams;
using FastGate.Net;

namespace FastGate.Tests.Proxy;

/// <summary>Exchanges that were begun in an outage and fail after its end say nothing of the server that came
/// back.</summary>
public sealed class OutageEndTests
{
    private const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    private const string HalfPut = "PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf";
    private const string HalfOk = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf";
    private const string Unavailable = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n";

    /// <summary>An answer that breaks behind its head, one to a request that is not whole, none to such a one, and none
    /// to a whole one.</summary>
    [Theory]
    [InlineData(Get, HalfOk)]
    [InlineData(HalfPut, Unavailable)]
    [InlineData(HalfPut, "")]
    [InlineData(Get, "")]
    public void What_was_begun_in_an_outage_ejects_nobody_after_it(string request, string answer)
    {
        using var bed = new RetryBed("retry = \"off\"", upstream: "eject = { consecutive = 1, base = \"1s\" }");
        foreach (bool isOutage in (ReadOnlySpan<bool>)[true, false])
        {
            Peer client = bed.Connect();
            client.Send(request);
            Peer asked = bed.Asked();
            Server server = bed.Gate.Gate.Upstreams[0].Servers[bed.Peers[0].Contains(asked) ? 0 : 1];
            if (answer == HalfOk)
            {
                asked.Send(answer);
            }
            if (isOutage)
            {
                bed.Gate.On(() => server.Finished(bed.Gate.Lane, -1, Outcome.Failed, bed.Gate.Lane.Now));
                Assert.Equal(ServerState.Ejected, server.Status.State);
                bed.Gate.Advance(1_200);
                Assert.Equal(ServerState.Up, server.Status.State);
            }
            if (answer == Unavailable)
            {
                asked.Send(answer);
            }
            asked.Reset();
            // It is the failure that ejects, where there was no outage.
            Assert.Equal(isOutage ? ServerState.Up : ServerState.Ejected, server.Status.State);
        }
    }
}
