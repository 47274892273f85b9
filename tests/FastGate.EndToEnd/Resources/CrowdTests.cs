using System.Net;
using System.Net.Sockets;
using FastGate.EndToEnd.Processes;
using FastGate.Net.Linux;
using FastGate.Tests;

namespace FastGate.EndToEnd.Resources;

/// <summary>Very many connections, at once and one after the other, and what is left of them: nothing.</summary>
[Collection(Alone.Name)]
public sealed class CrowdTests
{
    /// <summary>Connections in all rounds together: those of the first third make garbage enough for the collector to
    /// come, and from then on the process stays as it is.</summary>
    private const int IdleOfAllRounds = 162_000;
    /// <summary>Of the test's own process beside the crowd.</summary>
    private const int DescriptorsSpare = 500;

    private const int ComeAndGoOfAllRounds = 100_000;
    private const int ComeAndGoRounds = 10;
    /// <summary>Rounds at first that bring what stays with the process.</summary>
    private const int ComeAndGoWarmUps = 3;
    /// <summary>So many at most wait for the gate: on a busy machine a crowd would, and its heap stays.</summary>
    private const int TogetherMax = 100;
    /// <summary>Of 10,000 connections: seven bytes each.</summary>
    private const long RoundBytesMax = 64 << 10;

    private const int ObjectsOfARound = 2_000;
    private const int ObjectRounds = 6;
    /// <summary>Of the 4,000 connections of the last rounds: eight bytes each.</summary>
    private const int ObjectBytesMax = 32 * 1024;

    /// <summary>Of objects; one that waits holds no buffer.</summary>
    private const int IdleBytesMax = 3 * 512;

    private static readonly byte[] s_ask = "GET /ping HTTP/1.1\r\nHost: h\r\n\r\n"u8.ToArray();

    [Fact]
    public void Thousands_of_idle_connections_cost_little_and_leave_nothing()
    {
        int idle = (int)Math.Min(9_000, EpollTransport.RaiseDescriptorLimit() - DescriptorsSpare);
        int rounds = IdleOfAllRounds / idle;
        using var watched = new Watched(GateProcess.Pong("[client]\nkeep_alive = \"10m\"\n"));
        var resident = new List<long> { watched.ResidentBytes };
        long crowdBytes = 0;
        for (int round = 0; round < rounds; round++)
        {
            List<Socket> crowd = [.. Enumerable.Range(0, idle).Select(_ => watched.Gate.Connect().Socket)];
            Expect.Await(() => watched.MoreDescriptors >= idle, "not everybody is served");
            crowdBytes = round == 0 ? watched.ResidentBytes - resident[0] : crowdBytes;
            Assert.EndsWith("pong", watched.Gate.Get(), StringComparison.Ordinal);
            Leave(crowd);
            watched.AssertNothingIsOpen();
            resident.Add(watched.ResidentBytes);
        }
        TestContext.Current.SendDiagnosticMessage(
            $"{idle} idle hold {crowdBytes >> 10} KiB; after each round {string.Join(", ", resident.Select(r => r >> 10))}");
        Assert.InRange(crowdBytes / idle, 1, IdleBytesMax);
        // The collector takes the garbage of several rounds at once, so a round may end with that of those before it. If a
        // quarter of each connection stayed, the last third would hold a crowd more than the third before.
        int third = rounds / 3;
        long grown = Median(resident[^third..]) - Median(resident[^(2 * third)..^third]);
        Assert.InRange(grown, -resident[^1], crowdBytes);
        watched.AssertNoStall();
        watched.Gate.End();
    }

    /// <summary>To the byte, which the size of a process cannot show: what is reachable after each round is the same,
    /// but for the slabs of the lane's buffers, which are as many as were ever out at once.</summary>
    [Fact]
    public void No_object_of_a_connection_stays()
    {
        using var gate = new GateOnLoopback("""
            [[route]]
            name = "pong"
            match = "/*"
            respond = { status = 200, body = "pong" }
            """);
        var held = new List<long>();
        for (int round = 0; round < ObjectRounds; round++)
        {
            List<Socket> crowd = [.. Enumerable.Range(0, ObjectsOfARound).Select(_ => gate.Connect().Socket)];
            crowd.ForEach(static socket => socket.Send(s_ask));
            byte[] answer = new byte[1024];
            crowd.ForEach(socket => Assert.NotEqual(0, socket.Receive(answer)));
            Leave(crowd);
            crowd.Clear();
            Expect.Await(() => gate.Transport.Lanes[0].Connections == 0, "connections are left");
            Assert.Equal(0, gate.Transport.Lanes[0].Buffers.Rented);
            held.Add(GC.GetTotalMemory(forceFullCollection: true) - gate.Transport.Lanes[0].Buffers.SlabBytesTotal);
        }
        TestContext.Current.SendDiagnosticMessage($"bytes held after each round {string.Join(", ", held)}");
        Assert.InRange(held[^1] - held[ObjectRounds / 2], -held[^1], ObjectBytesMax);
    }

    [Fact]
    public void Connections_that_come_and_go_leave_nothing()
    {
        using var watched = new Watched(GateProcess.Pong());
        var resident = new List<long> { watched.ResidentBytes };
        for (int round = 0; round < ComeAndGoRounds; round++)
        {
            ComeAndGo(watched.Gate, ComeAndGoOfAllRounds / ComeAndGoRounds);
            watched.AssertNothingIsOpen();
            resident.Add(watched.ResidentBytes);
        }
        TestContext.Current.SendDiagnosticMessage(
            $"{ComeAndGoOfAllRounds} came and went; KiB after each round {string.Join(", ", resident.Select(r => r >> 10))}");
        // Now and then the collector takes some megabytes more, in one round of several; a leak grows in each.
        long[] grown = [.. resident.Zip(resident.Skip(1), static (before, after) => after - before)];
        Assert.InRange(Median([.. grown[ComeAndGoWarmUps..]]), -resident[^1], RoundBytesMax);
        Assert.EndsWith("pong", watched.Gate.Get(), StringComparison.Ordinal);
        watched.AssertNoStall();
        watched.Gate.End();
    }

    private static long Median(List<long> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>Half of them with a reset.</summary>
    private static void Leave(List<Socket> crowd)
    {
        for (int i = 0; i < crowd.Count; i++)
        {
            if (i % 2 == 0)
            {
                crowd[i].LingerState = new LingerOption(true, 0);
            }
            crowd[i].Dispose();
        }
    }

    private static void ComeAndGo(GateProcess gate, int count)
    {
        var to = new IPEndPoint(IPAddress.Loopback, gate.Port);
        for (int i = 0; i < count; i++)
        {
            if (i % TogetherMax == 0)
            {
                gate.Get("/ping");
            }
            using Socket socket = Wire.NewSocket(to);
            // Ports of one address that were just used are not free yet, and there are not so many. One is chosen when
            // it connects: choosing before looks through all those in use (IP_BIND_ADDRESS_NO_PORT, ip(7)).
            socket.SetRawSocketOption(0, 24, [1, 0, 0, 0]);
            socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(2 + (i / 10_000))]), 0));
            socket.Connect(to);
            switch (i % 5)
            {
                case 0:
                    break;
                case 1:
                    socket.LingerState = new LingerOption(true, 0);
                    break;
                case 2:
                    socket.Send(s_ask.AsSpan(0, 10));
                    break;
                case 3:
                    socket.Send(s_ask);
                    break;
                default:
                    socket.Send(s_ask);
                    socket.LingerState = new LingerOption(true, 0);
                    break;
            }
        }
    }
}
