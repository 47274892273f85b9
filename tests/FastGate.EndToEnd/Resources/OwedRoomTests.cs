using System.Diagnostics;
using System.Net;
using FastGate.Net;

namespace FastGate.EndToEnd.Resources;

/// <summary>Room is made while a client's last answer is with the gate still, because the client does not take it yet: it
/// looks idle, and is not.</summary>
public sealed class OwedRoomTests
{
    private const int Bytes = 12_000;
    private const string Fixed = "[[route]]\nname = \"fixed\"\nmatch = \"/*\"\n";

    private static readonly string s_answer = $"respond = {{ status = 200, body = \"{new string('x', Bytes)}\" }}\n";

    [Fact]
    public void At_connections_max_it_is_not_who_ends_for_a_newcomer()
    {
        using var gate = new GateOnLoopback($"[client]\nconnections_max = 1\n{Fixed}{s_answer}");
        using Wire client = Owed(gate, out int asked, out _);
        long from = Stopwatch.GetTimestamp();
        // Long enough for one that is idle.
        Expect.Await(() => Stopwatch.GetElapsedTime(from).TotalMilliseconds > 1_200, "time stands still");
        using (Wire newcomer = gate.Connect())
        {
            newcomer.Send(Expect.Get);
            Assert.Equal(503, Wire.StatusOf(newcomer.ReadHead()));
        }
        ReadAll(client, asked);
        client.Send(Expect.Get);
        ReadAll(client, 1);
        from = Stopwatch.GetTimestamp();
        Expect.Await(() => Stopwatch.GetElapsedTime(from).TotalMilliseconds > 1_200, "time stands still");
        using Wire next = gate.Connect();
        next.Send(Expect.Get);
        ReadAll(next, 1);
    }

    [Fact]
    public void At_memory_max_it_gets_its_answers_and_then_an_end()
    {
        using var gate = new GateOnLoopback(Fixed + s_answer);
        using Wire client = Owed(gate, out int asked, out Connection server);
        long taken = 0;
        OnLane(gate, () =>
        {
            Lane lane = server.Lane;
            lane.Memory.Take(taken = lane.Memory.Max - lane.Memory.Used + 1);
            return true;
        });
        ReadAll(client, asked);
        Assert.Equal("", client.ReadToEnd(out bool reset));
        Assert.False(reset);
        OnLane(gate, () =>
        {
            server.Lane.Memory.Give(taken);
            return true;
        });
    }

    /// <summary>A client of the gate that has asked so much, without reading, that a part of the last answer is
    /// owed.</summary>
    private static Wire Owed(GateOnLoopback gate, out int asked, out Connection server)
    {
        Listener listener = gate.Transport.Bind(NetAddress.Tcp(IPAddress.Loopback, 0));
        var accepted = new TaskCompletionSource<Connection>();
        gate.Transport.Lanes[0].Post(new LaneAction(async () =>
        {
            Connection connection = (await listener.AcceptAsync(gate.Transport.Lanes[0]))!;
            gate.Gate.Accept(connection, 0);
            listener.Stop();
            accepted.SetResult(connection);
        }));
        Wire client = Wire.Connect(listener.Address.Port, receiveBuffer: 4096);
        Connection taken = server = accepted.Task.GetAwaiter().GetResult();
        for (asked = 1; ; asked++)
        {
            int requests = asked;
            client.Send(Expect.Get);
            Expect.Await(() => gate.Gate.Stats.Sum().Requests == requests, "it waits for its client");
            // A turn later, when it was sent as far as it goes.
            if (OnLane(gate, () => true) && OnLane(gate, () =>
                taken is { OutputInUse.IsOwing: true, IsWaitingForPeer: true }))
            {
                return client;
            }
        }
    }

    private static T OnLane<T>(GateOnLoopback gate, Func<T> work)
    {
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        gate.Transport.Lanes[0].Post(new LaneAction(() => done.SetResult(work())));
        return done.Task.GetAwaiter().GetResult();
    }

    private static void ReadAll(Wire client, int answers)
    {
        for (int i = 0; i < answers; i++)
        {
            (string head, string body) = client.ReadMessage();
            Assert.Equal(200, Wire.StatusOf(head));
            Assert.Equal(Bytes, body.Length);
        }
    }
}
