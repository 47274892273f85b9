using System.Net;
using System.Net.Sockets;
using System.Text;

namespace FastGate.EndToEnd.Processes;

/// <summary>SIGTERM in the middle of traffic costs nobody an answer.</summary>
public sealed class DrainTests : IDisposable
{
    private const int Clients = 64;
    private const int AnswersBefore = 10;
    private static readonly TimeSpan s_pace = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_bound = TimeSpan.FromMilliseconds(Wire.BoundMs);

    private readonly Scratch _scratch = new();

    public void Dispose() => _scratch.Dispose();

    private enum Arrival
    {
        /// <summary>A connection after the gate stopped listening.</summary>
        Refused,
        /// <summary>Its handshake raced with the end of listening.</summary>
        Lost,
        Served,
    }

    /// <summary>What one client saw.</summary>
    private sealed class Tally
    {
        public int Sent { get; set; }
        public int Answered { get; set; }
        public string? Wrong { get; set; }
        public Arrival Afterwards { get; set; }
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/delay/25")]
    [InlineData("/bytes/100000")]
    public async Task Every_request_sent_before_the_end_of_its_connection_is_answered(string path)
    {
        using GateProcess gate =
            GateProcess.Serve(_scratch, GateOnLoopback.To("demo:", rest: "[log]\nto = \"access.log\"\n"));
        using var warm = new CountdownEvent(Clients * AnswersBefore);
        var tallies = new Tally[Clients];
        var clients = new Task[Clients];
        for (int i = 0; i < Clients; i++)
        {
            Tally tally = tallies[i] = new Tally();
            clients[i] = SendUntilEndedAsync(gate.Port, path, tally, warm);
        }
        bool isWarm = await Task.Run(() => warm.Wait(s_bound), TestContext.Current.CancellationToken);
        Assert.True(isWarm, "too few answers before the signal");
        gate.Signal(GateProcess.Terminate);
        await Task.WhenAll(clients).WaitAsync(s_bound, TestContext.Current.CancellationToken);
        Assert.Equal(0, gate.WaitForExit());
        Assert.All(tallies, tally => Assert.Null(tally.Wrong));
        Assert.All(tallies, tally => Assert.Equal(tally.Sent, tally.Answered));
        Assert.EndsWith("connections=0", gate.Error.WaitFor("info drained"), StringComparison.Ordinal);
        int served = tallies.Count(tally => tally.Afterwards == Arrival.Served);
        Assert.Equal(tallies.Sum(tally => tally.Answered) + served,
            File.ReadAllLines(_scratch.Path("access.log")).Length);
        TestContext.Current.SendDiagnosticMessage("{0}: {1} answered, then {2} served, {3} refused, {4} lost", path,
            tallies.Sum(tally => tally.Answered), served, tallies.Count(tally => tally.Afterwards == Arrival.Refused),
            tallies.Count(tally => tally.Afterwards == Arrival.Lost));
    }

    /// <summary>A request every 10 ms (the load, nothing waits for it), each answered before the next; when the gate
    /// ends the connection, one more is tried.</summary>
    private static async Task SendUntilEndedAsync(int port, string path, Tally tally, CountdownEvent warm)
    {
        byte[] request = Encoding.ASCII.GetBytes($"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        using (var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
        using (var timer = new PeriodicTimer(s_pace))
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
            var answers = new AnswerReader(socket);
            bool ends = false;
            try
            {
                while (!ends)
                {
                    await timer.WaitForNextTickAsync();
                    if (answers.HasEnded)
                    {
                        break;
                    }
                    tally.Sent++;
                    await socket.SendAsync(request);
                    string head = await answers.ReadAsync();
                    tally.Answered++;
                    if (!head.StartsWith("HTTP/1.1 200 ", StringComparison.Ordinal))
                    {
                        tally.Wrong = head;
                    }
                    ends = head.Contains("Connection: close", StringComparison.OrdinalIgnoreCase);
                    if (tally.Answered <= AnswersBefore)
                    {
                        warm.Signal();
                    }
                }
            }
            catch (Exception exception) when (exception is SocketException or IOException)
            {
                tally.Wrong = exception.ToString();
            }
        }
        tally.Afterwards = await TryOnceAsync(port, request);
    }

    private static async Task<Arrival> TryOnceAsync(int port, byte[] request)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, port);
        }
        catch (SocketException)
        {
            return Arrival.Refused;
        }
        try
        {
            await socket.SendAsync(request);
            await new AnswerReader(socket).ReadAsync();
            return Arrival.Served;
        }
        catch (Exception exception) when (exception is SocketException or IOException)
        {
            return Arrival.Lost;
        }
    }

    /// <summary>Reads answers with a Content-Length.</summary>
    private sealed class AnswerReader(Socket socket)
    {
        private readonly byte[] _bytes = new byte[256 * 1024];
        private int _count;

        /// <summary>A FIN is here and nothing before it.</summary>
        public bool HasEnded => _count == 0 && socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

        public async Task<string> ReadAsync()
        {
            int end;
            while ((end = _bytes.AsSpan(0, _count).IndexOf("\r\n\r\n"u8)) < 0)
            {
                await FillAsync();
            }
            string head = Encoding.Latin1.GetString(_bytes, 0, end + 4);
            int length = head.Length + (int)Wire.LengthOf(head);
            while (_count < length)
            {
                await FillAsync();
            }
            _bytes.AsSpan(length, _count - length).CopyTo(_bytes);
            _count -= length;
            return head;
        }

        private async Task FillAsync()
        {
            int count = await socket.ReceiveAsync(_bytes.AsMemory(_count));
            if (count == 0)
            {
                throw new EndOfStreamException($"ended after {_count} bytes of an answer");
            }
            _count += count;
        }
    }
}
