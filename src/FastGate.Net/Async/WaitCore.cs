using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FastGate.Net.Async;

/// <summary>What a task's source knows of the one wait at a time that it has, whatever its result: a field of the
/// source, never copied.</summary>
internal struct WaitCore
{
    private LaneWork? _waiter;
    private bool _isCompleted;

    /// <summary>The token of the wait begun last, until that is taken.</summary>
    public short Version { get; private set; }

    /// <summary>True from <see cref="Begin"/> until <see cref="Complete"/>.</summary>
    public bool IsPending { get; private set; }

    public void Begin()
    {
        Debug.Assert(!IsPending, "a wait is under way already");
        IsPending = true;
        _isCompleted = false;
        _waiter = null;
        Version++;
    }

    /// <returns>Whether a waiter is there: it goes on by <see cref="Run"/>, and otherwise sees that it is
    /// completed.</returns>
    public bool Complete()
    {
        Debug.Assert(IsPending, "nothing waits");
        IsPending = false;
        _isCompleted = true;
        return _waiter is not null;
    }

    public void Run()
    {
        LaneWork waiter = _waiter!;
        _waiter = null;
        waiter.Run();
    }

    public readonly bool IsCompleted(short version)
    {
        Require(version == Version);
        return _isCompleted;
    }

    public void OnCompleted(LaneWork waiter, short version)
    {
        Require(version == Version && _waiter is null);
        if (_isCompleted)
        {
            // Completed between the question and this call: only a misuse from another thread could do that.
            waiter.Run();
            return;
        }
        _waiter = waiter;
    }

    /// <summary>The waiter takes the result.</summary>
    public void Take(short version)
    {
        Require(version == Version && _isCompleted);
        _isCompleted = false;
        // Who awaits it again is told so, and does not wait for ever.
        Version++;
    }

    /// <summary>A task of an earlier wait, or one awaited twice, would answer to the wait of somebody else.</summary>
    public static void Require(bool condition)
    {
        if (!condition)
        {
            Throw();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw() => throw new InvalidOperationException("a lane's task is awaited exactly once");
}
