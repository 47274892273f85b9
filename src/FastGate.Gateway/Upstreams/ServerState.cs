namespace FastGate.Gateway.Upstreams;

/// <summary>Whether exchanges may go to a server, and if not, why.</summary>
public enum ServerState : byte
{
    Up = 0,

    /// <summary>It does not answer, or somebody says that it is not to be used.</summary>
    Down,

    /// <summary>It answered badly too often and is left alone for a while.</summary>
    Ejected,

    /// <summary>What it has is finished, nothing new comes to it.</summary>
    Draining,

    /// <summary>Its name has never been resolved.</summary>
    Unresolved,
}

internal static class ServerStates
{
    /// <summary>As <c>/stats</c> and the log write it.</summary>
    public static string Word(this ServerState state) => state switch
    {
        ServerState.Up => "up",
        ServerState.Down => "down",
        ServerState.Ejected => "ejected",
        ServerState.Draining => "draining",
        _ => "unresolved",
    };
}

/// <summary>Who has a say in a server's state, the strongest first. Each speaks for itself: a server is up when all of
/// them say so, and otherwise what the strongest of those says who do not.</summary>
public enum StateVoice : byte
{
    /// <summary>Somebody, through the admin address.</summary>
    Operator = 0,

    /// <summary>The resolver of names.</summary>
    Names,

    /// <summary>Active checks.</summary>
    Health,

    /// <summary>What exchanges met with.</summary>
    Ejection,
}

/// <summary>The state of a server, as it is published: immutable, replaced as a whole.</summary>
/// <param name="State">The state.</param>
/// <param name="Reason">One word for why, as it was given with the state; empty for a server that is up from the
/// start.</param>
/// <param name="Since">When it began, in the lanes' milliseconds.</param>
public sealed record ServerStatus(ServerState State, string Reason, long Since)
{
    public bool IsUsable => State == ServerState.Up;
}

/// <summary>What a server made of an exchange, as far as choosing servers goes.</summary>
public enum Outcome : byte
{
    /// <summary>The head of an answer came, and its status is not the server's fault.</summary>
    Answered = 0,

    /// <summary>The head of an answer came, and its status is 5xx but none of those below, or it is more than we
    /// take.</summary>
    ServerError,

    /// <summary>The client left, or its time was over, while the server had not answered yet.</summary>
    Abandoned,

    /// <summary>The head of an answer came, and its status is 502, 503 or 504: it cannot do its work. This and what
    /// follows can eject it.</summary>
    Unavailable,

    /// <summary>No connection, no answer in time, an answer that broke off within its head or was not HTTP.</summary>
    Failed,

    /// <summary>An answer broke off, or was no HTTP any more, behind its head, which was counted when it
    /// came.</summary>
    Broken,
}
