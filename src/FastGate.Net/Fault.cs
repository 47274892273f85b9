namespace FastGate.Net;

/// <summary>Why a connection broke, as far as bytes can tell. An orderly end (FIN) is not a fault.</summary>
public enum ConnectionFault : byte
{
    None = 0,
    /// <summary>Nobody listens there (ECONNREFUSED, ENOENT).</summary>
    Refused,
    /// <summary>No way there (EHOSTUNREACH, ENETUNREACH, EACCES, EADDRNOTAVAIL).</summary>
    Unreachable,
    /// <summary>A deadline passed while connecting, or the kernel gave up (ETIMEDOUT).</summary>
    TimedOut,
    /// <summary>The peer reset the connection, or went away with bytes under way.</summary>
    Reset,
    /// <summary>The peer sent urgent data, which HTTP does not know.</summary>
    Urgent,
    /// <summary>We cut it.</summary>
    Aborted,
    /// <summary>This process is out of descriptors or memory.</summary>
    Exhausted,
    /// <summary>Any other error of the system; see <see cref="Connection.FaultNumber"/>.</summary>
    System,
}
