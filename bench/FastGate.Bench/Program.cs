using System.Diagnostics;
using System.Net;
using BenchmarkDotNet.Running;
using FastGate.Bench;
using FastGate.Bench.Peers;
using FastGate.Net;

switch (args)
{
    case ["--gate", .. var rest]:
        return Guard.Run(isShort: rest is ["--short"]);
    case ["run", .. var rest]:
        BenchmarkSwitcher.FromAssembly(typeof(Guard).Assembly).Run(rest);
        return 0;
    case ["canned", var port, var bytes]:
        CannedUpstream.Serve(NetAddress.Tcp(IPAddress.Loopback, int.Parse(port)), int.Parse(bytes));
        return 0;
    case ["relay", var port, var upstream]:
        Relay.Serve(NetAddress.Tcp(IPAddress.Loopback, int.Parse(port)),
            NetAddress.Tcp(IPAddress.Loopback, int.Parse(upstream)));
        return 0;
    case ["yarp", var port, var upstream]:
        YarpProxy.Serve(int.Parse(port), int.Parse(upstream));
        return 0;
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
        Console.Error.WriteLine("usage: --gate [--short] | run [BENCHMARKDOTNET ARGS] | canned PORT BODY_BYTES | relay PORT UPSTREAM_PORT | yarp PORT UPSTREAM_PORT | exchange COUNT");
        return 2;
}

static void Repeat(MemoryGate gate, int count)
{
    for (int i = 0; i < count; i++)
    {
        gate.Exchange();
    }
}
