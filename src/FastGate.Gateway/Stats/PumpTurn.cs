namespace FastGate.Gateway.Stats;

/// <summary>What one turn of the <see cref="LogPump"/> left behind.</summary>
/// <param name="Wrote">Access lines were written, so more will likely come soon.</param>
/// <param name="IsEmpty">Nothing waits to be written.</param>
/// <param name="IsStuck">Access lines wait for their file: more of them change nothing.</param>
/// <param name="AccessFd">To be waited for until it can be written, or -1.</param>
/// <param name="ProcessFd">The same for the process log.</param>
/// <param name="DueMs">When the next turn must come even if nothing happens, or -1.</param>
internal readonly record struct PumpTurn(
    bool Wrote, bool IsEmpty, bool IsStuck, int AccessFd, int ProcessFd, long DueMs);
