using System.Text.Json;
using FastGate.Net;
using FastGate.Net.Async;
using FastGate.Net.Linux;

namespace FastGate.Bench.Load;

/// <summary>Connections that were used once and then idle: says when all are there, holds them until its input ends,
/// and says how many the peer has kept.</summary>
internal static class HeldConnections
{
    private const int OpeningMax = 64;

    /// <returns>0; what went wrong is in the figures.</returns>
    public static int Run(LoadOptions options)
    {
        EpollTransport.RaiseDescriptorLimit();
        using var transport = new EpollTransport(1);
        Lane lane = transport.Lanes[0];
        var opened = new TaskCompletionSource<List<Client>>(TaskCreationOptions.RunContinuationsAsynchronously);
        lane.Escaped = exception => opened.TrySetException(exception);
        lane.Post(new LaneAction(() => _ = OpenAllAsync(new Target(transport, options), opened)));
        transport.Start();
        List<Client> clients = opened.Task.GetAwaiter().GetResult();
        Console.WriteLine(JsonSerializer.Serialize(new { held = clients.Count }));
        Console.In.ReadToEnd();
        var counted = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        lane.Post(new LaneAction(() => counted.SetResult(clients.Count(static c => c.IsConnected))));
        Console.WriteLine(JsonSerializer.Serialize(new { kept = counted.Task.GetAwaiter().GetResult() }));
        return 0;
    }

    private static async Task OpenAllAsync(Target target, TaskCompletionSource<List<Client>> opened)
    {
        var clients = new List<Client>();
        int left = target.Options.Connections;
        try
        {
            await Task.WhenAll(Enumerable.Range(0, OpeningMax).Select(_ => OpenSomeAsync().AsTask()).ToArray());
            opened.TrySetResult(clients);
        }
        catch (Exception exception)
        {
            opened.TrySetException(exception);
        }

        async LaneTask OpenSomeAsync()
        {
            while (left-- > 0)
            {
                var client = new Client(target);
                if (await client.ExchangeAsync(target.Requests[0]) == Outcome.Answered)
                {
                    client.Rest();
                    clients.Add(client);
                }
                else
                {
                    await target.Lane.Yield();
                }
            }
        }
    }
}
