using System.Net;
using FastGate.Bench.Peers;
using FastGate.Net;

switch (args)
{
    case ["canned", var port, var bytes]:
        CannedUpstream.Serve(NetAddress.Tcp(IPAddress.Loopback, int.Parse(port)), int.Parse(bytes));
        return 0;
    case ["relay", var port, var upstream]:
        Relay.Serve(NetAddress.Tcp(IPAddress.Loopback, int.Parse(port)),
            NetAddress.Tcp(IPAddress.Loopback, int.Parse(upstream)));
        return 0;
    default:
        Console.Error.WriteLine("usage: canned PORT BODY_BYTES | relay PORT UPSTREAM_PORT");
        return 2;
}
