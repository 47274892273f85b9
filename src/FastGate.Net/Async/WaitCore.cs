using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading.Tasks.Sources;

namespace FastGate.Net.Async;

/// <summary>What a value task's source knows of the one wait at a time that it has, whatever its result: a field of the
/// source, never copied.</summary>
internal struct WaitCore
{
    private Action<object?>? _continuation;
    private object? _state;
    private bool _isCompleted;

    /// <summary>The token of the wait begun last.</summary>
    public short Version { get; private set; }

    /// <summary>True from <see cref="Begin"/> until <see cref="Complete"/>.</summary>
    public bool IsPending { get; private set; }

    public void Begin()
    {
        Debug.Assert(!IsPending, "a wait is under way already");
        IsPending = true;
        _isCompleted = false;
        _continuation = null;
        Version++;
    }

    /// <returns>Whether a waiter is there: it goes on by <see cref="Run"/>, and otherwise sees that it is
    /// completed.</returns>
    public bool Complete()
    {
        Debug.Assert(IsPending, "nothing waits");
        IsPending = false;
        _isCompleted = true;
        return _continuation is not null;
    }

    public void Run()
    {
        Action<object?> continuation = _continuation!;
        object? state = _state;
        _continuation = null;
        _state = null;
        continuation(state);
    }

    public readonly ValueTaskSourceStatus StatusOf(short token)
    {
        Require(token == Version);
        return _isCompleted ? ValueTaskSourceStatus.Succeeded : ValueTaskSourceStatus.Pending;
    }

    public void OnCompleted(Action<object?> continuation, object? state, short token)
    {
        Require(token == Version && _continuation is null);
        _continuation = continuation;
        _state = state;
        if (_isCompleted)
        {
            // Completed between the status and this call: only a misuse from another thread could do that.
            Run();
        }
    }

    /// <summary>The waiter takes the result.</summary>
    public void Take(short token)
    {
        Require(token == Version && _isCompleted);
        _isCompleted = false;
    }

    /// <summary>A task of an earlier wait, or one awaited twice, would answer to the wait of somebody else.</summary>
    private static void Require(bool condition)
    {
        if (!condition)
        {
            Throw();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void Throw() => throw new InvalidOperationException("a wait is awaited exactly once");
}
