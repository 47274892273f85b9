using System.Diagnostics;
using System.Net;
using BenchmarkDotNet.Running;
using FastGate.Bench;
using FastGate.Bench.Load;
using FastGate.Bench.Peers;
using FastGate.Net;

switch (args)
{
    case ["--gate", .. var rest]:
        return Guard.Run(isShort: rest is ["--short"]);
    case ["run", .. var rest]:
        BenchmarkSwitcher.FromAssembly(typeof(Guard).Assembly).Run(rest);
        return 0;
    case ["canned", var address, var bytes, .. var rest]:
        CannedUpstream.Serve([.. address.Split(',').Select(Address)], int.Parse(bytes), rest is [var big] ? int.Parse(big) : 1024 * 1024);
        return 0;
    case ["relay", var port, var upstream]:
        Relay.Serve(Address(port), Address(upstream));
        return 0;
    case ["yarp", var port, var upstream]:
        YarpProxy.Serve(int.Parse(port), Address(upstream));
        return 0;
    case ["load", var port, .. var rest]:
        return LoadRun.Run(LoadOptions.Parse(port, rest));
    case ["hold", var port, .. var rest]:
        return HeldConnections.Run(LoadOptions.Parse(port, rest));
    case ["exchange", var count]:
        using (var gate = new MemoryGate(ExchangeBench.Request, ExchangeBench.Answer))
        {
            Repeat(gate, 20_000);
            long before = GC.GetAllocatedBytesForCurrentThread();
            var watch = Stopwatch.StartNew();
            Repeat(gate, int.Parse(count));
            double ns = watch.Elapsed.TotalNanoseconds / int.Parse(count);
            long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
            Console.WriteLine($"{ns:F0} ns and {(double)bytes / int.Parse(count):F2} bytes an exchange");
        }
        return 0;
    default:
        Console.Error.WriteLine($"""
            usage: --gate [--short] | run [BENCHMARKDOTNET ARGS] | exchange COUNT
                   canned ADDRESS[,ADDRESS...] BODY_BYTES [BIG_BODY_BYTES] | relay ADDRESS UPSTREAM | yarp PORT UPSTREAM
                   load {LoadOptions.Usage}
                   hold PORT [the same options]
            An address is a port of 127.0.0.1 or unix:PATH.
            """);
        return 2;
}

static NetAddress Address(string text) => text.StartsWith("unix:", StringComparison.Ordinal)
    ? NetAddress.Unix(text["unix:".Length..])
    : NetAddress.Tcp(IPAddress.Loopback, int.Parse(text));

static void Repeat(MemoryGate gate, int count)
{
    for (int i = 0; i < count; i++)
    {
        gate.Exchange();
    }
}
