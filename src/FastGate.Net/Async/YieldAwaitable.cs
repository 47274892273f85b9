using System.Runtime.CompilerServices;

namespace FastGate.Net.Async;

/// <summary>Awaiting it continues at the end of the lane's ready queue.</summary>
public readonly struct YieldAwaitable(Lane lane) : ICriticalNotifyCompletion
{
    public YieldAwaitable GetAwaiter() => this;

    public bool IsCompleted => false;

    public void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        Resumption resumption = Resumption.Rent();
        resumption.Continuation = continuation;
        lane.Enqueue(resumption);
    }

    /// <summary>A queued continuation; kept per thread for reuse.</summary>
    private sealed class Resumption : LaneWork
    {
        [ThreadStatic]
        private static Resumption? t_free;

        public Action? Continuation;

        public static Resumption Rent()
        {
            Resumption? free = t_free;
            if (free is null)
            {
                return new Resumption();
            }
            t_free = (Resumption?)free.Next;
            free.Next = null;
            return free;
        }

        protected internal override void Run()
        {
            Action continuation = Continuation!;
            Continuation = null;
            Next = t_free;
            t_free = this;
            continuation();
        }
    }
}
