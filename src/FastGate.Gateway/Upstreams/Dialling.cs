using System.Runtime.CompilerServices;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Upstreams;

/// <summary>Connects to a server, wherever its name leads.</summary>
internal static class Dialling
{
    /// <summary>A name often stands for an address of each family, and the server listens on one of them: where one
    /// refuses, the next is tried.</summary>
    /// <returns>A connection, perhaps with a fault; it must be closed.</returns>
    public static async LaneTask<Connection> ConnectAsync(Transport transport, Lane lane, Server server, long due,
        ConnectHandle? handle)
    {
        NetAddress[] addresses = server.Addresses;
        uint turn = server.NextTurn(addresses);
        Connection connection = await transport.ConnectAsync(lane, addresses[turn], due, handle);
        for (int tried = 1; tried < addresses.Length && IsElsewherePossible(connection.Fault); tried++)
        {
            connection.Close();
            turn = (turn + 1) % (uint)addresses.Length;
            connection = await transport.ConnectAsync(lane, addresses[turn], due, handle);
        }
        return connection;
    }

    private static bool IsElsewherePossible(ConnectionFault fault) =>
        fault is ConnectionFault.Refused or ConnectionFault.Unreachable or ConnectionFault.Reset;
}
