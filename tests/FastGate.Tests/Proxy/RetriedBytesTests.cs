using System.Text;
using FastGate.Gateway.Proxy;
using FastGate.Net;

namespace FastGate.Tests.Proxy;

/// <summary>What a try more allocates: nothing but the connections it makes, with whatever outcome.</summary>
[Collection(Alone.Name)]
public sealed class RetriedBytesTests
{
    private const int Warmups = 200;
    private const int Rounds = 50;
    private const int Attempts = 20;
    /// <summary>A pooled connection, beside the connection itself.</summary>
    private const int PooledBytes = 96;

    private static readonly byte[] s_get = Bytes("GET /a HTTP/1.1\r\nHost: h\r\n\r\n");
    private static readonly byte[] s_put = Bytes("PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody");
    private static readonly byte[] s_ok = Bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    private static readonly byte[] s_busy = Bytes("HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy");
    private static readonly byte[] s_last =
        Bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void After_an_answer_that_is_dropped_nothing(bool body)
    {
        using var bed = new RetryBed("retry = { budget = \"100%\", budget_min = \"1000/s\" }");
        Peer client = bed.Connect();
        Assert.Equal(0, PerExchange(() =>
        {
            client.Queue(body ? s_put : s_get);
            Answer(bed, s_busy);
            Answer(bed, s_ok);
            Check(client);
        }));
        Assert.True(bed.Budget.Sum().Charged >= Warmups);
    }

    [Fact]
    public void Where_a_second_copy_is_not_sent_in_the_end_nothing()
    {
        using var bed = new RetryBed("retry = { hedge = \"p95\" }");
        Peer client = bed.Connect();
        Assert.Equal(0, PerExchange(() =>
        {
            bed.Gate.Advance(5);
            client.Queue(s_get);
            Answer(bed, s_ok);
            Check(client);
        }));
        HeadTimes times = Hedge.TimesOf(bed.Gate.Gate.Table.RouteList[0], bed.Gate.Lane);
        Assert.True(times.TryDelay(95, bed.Gate.Lane.Now, out _));
    }

    [Fact]
    public void For_each_refusal_the_connection_that_was_none()
    {
        using var bed = new RetryBed(servers: ["/nobody", "/nobody2", "/a"]);
        NetAddress nobody = NetAddress.Unix("/nobody");
        long refusal = 0;
        bed.Gate.On(() => refusal = PerExchange(Refused));
        Peer client = bed.Connect();
        int exchanges = 0;
        long each = PerExchange(() =>
        {
            exchanges++;
            client.Queue(s_get);
            Answer(bed, s_ok);
            Check(client);
        });
        // The turn ends with the server that answers, so each request is refused twice.
        long refusals = bed.Gate.Gate.Upstreams[0].Servers[..2].Sum(static server => server.Stats.Sum().Requests);
        Assert.InRange(refusals, (2 * exchanges) - 2, 2 * exchanges);
        Assert.InRange(each, 2 * refusal, 2 * (refusal + PooledBytes));

        void Refused()
        {
            Connection connection = bed.Gate.ConnectNow(nobody);
            // What the framework asserts with allocates.
            if (connection.Fault != ConnectionFault.Refused)
            {
                Assert.Fail("somebody is there");
            }
            connection.Close();
        }
    }

    /// <summary>As much as for an exchange whose connection must be made in any case.</summary>
    [Fact]
    public void For_a_stale_connection_the_one_that_replaces_it()
    {
        Assert.Equal(Bed(stale: false), Bed(stale: true));

        static long Bed(bool stale)
        {
            using var bed = new RetryBed("retry = { budget = \"100%\", budget_min = \"1000/s\" }", servers: ["/a"]);
            Peer client = bed.Connect();
            Peer? idle = null;
            return PerExchange(() =>
            {
                client.Queue(s_get);
                bed.Gate.Run();
                // One that has ended already costs the test the same.
                idle?.Forget();
                idle?.Reset();
                idle = Answer(bed, stale ? s_ok : s_last);
                Check(client);
                bed.Peers[0].Clear();
                bed.Peers[0].Add(idle);
            });
        }
    }

    private static Peer Answer(RetryBed bed, byte[] answer)
    {
        bed.Gate.Run();
        foreach (List<Peer> peers in bed.Peers)
        {
            foreach (Peer peer in peers)
            {
                if (peer.ReceivedBytes > 0)
                {
                    peer.Forget();
                    peer.Queue(answer);
                    bed.Gate.Run();
                    return peer;
                }
            }
        }
        throw new InvalidOperationException("nobody was asked");
    }

    private static void Check(Peer client)
    {
        if (client.ReceivedBytes == 0 || client.Broken)
        {
            Assert.Fail("no answer");
        }
        client.Forget();
    }

    /// <summary>The fewest bytes per call of many, once all is warm.</summary>
    private static long PerExchange(Action exchange)
    {
        for (int i = 0; i < Warmups; i++)
        {
            exchange();
        }
        long fewest = long.MaxValue;
        for (int attempt = 0; attempt < Attempts && fewest > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int i = 0; i < Rounds; i++)
            {
                exchange();
            }
            fewest = Math.Min(fewest, (GC.GetAllocatedBytesForCurrentThread() - before) / Rounds);
        }
        return fewest;
    }

    private static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
}
