using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;

namespace FastGate.Gateway.Config;

/// <summary>What a configuration depends on besides its files.</summary>
public sealed record Surroundings
{
    /// <summary>The value of an environment variable, or null.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>A check away from the machine that will serve: placeholders without a value are warnings.</summary>
    public bool IsOffline { get; init; }

    /// <summary>The name of this machine.</summary>
    public string HostName { get; init; } = System.Environment.MachineName;

    /// <summary>The addresses of this machine's interfaces.</summary>
    public Func<IReadOnlyList<IPAddress>> OwnAddresses { get; init; } = AskOwnAddresses;

    private static IReadOnlyList<IPAddress> AskOwnAddresses()
    {
        try
        {
            return
            [
                .. NetworkInterface.GetAllNetworkInterfaces()
                    .SelectMany(each => each.GetIPProperties().UnicastAddresses)
                    .Select(each => each.Address),
            ];
        }
        catch (Exception e) when (e is NetworkInformationException or SocketException or PlatformNotSupportedException
            or IOException or UnauthorizedAccessException)
        {
            // Where the system does not tell, a check that needs it finds nothing.
            return [];
        }
    }
}
