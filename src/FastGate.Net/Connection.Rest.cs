using System.Diagnostics;

namespace FastGate.Net;

/// <summary>A connection on which nothing is under way has neither a reader nor a writer: thousands of them cost little
/// then, and who speaks is served by objects that are in the cache.</summary>
public abstract partial class Connection
{
    private ConnectionReader? _input;
    private ConnectionWriter? _output;
    private LaneWork? _wake;

    /// <summary>Not to be kept beyond the end of what it was taken for: at rest it becomes another connection's.
    /// </summary>
    public ConnectionReader Input => _input ?? TakeInput();

    /// <inheritdoc cref="Input"/>
    public ConnectionWriter Output => _output ?? TakeOutput();

    /// <summary>The reader, if it has one now.</summary>
    public ConnectionReader? InputInUse => _input;

    /// <summary>The writer, if it has one now.</summary>
    public ConnectionWriter? OutputInUse => _output;

    /// <summary>Nothing of what is waited for is here: a read waits, or the connection rests.</summary>
    public bool IsWaitingForPeer => _wake is not null
        ? _input is not { HasResult: true } && !HasWaitingEvent
        : _input is { IsWaiting: true, IsAhead: false };

    /// <summary>Somebody goes on when there is something to read.</summary>
    private protected bool IsAwaited => _wake is not null || _input is { IsWaiting: true };

    /// <summary>Who goes on when there is something to read, as far as is known.</summary>
    internal LaneWork? Waiter => _wake ?? _input?.Waiter;

    /// <summary>Waits as a read does that would have to, but without holding anything: <paramref name="wake"/> runs
    /// when the next <see cref="ConnectionReader.TryRead(out System.IO.Pipelines.ReadResult)"/> has a result. What was
    /// written and left to the end of the turn still goes.</summary>
    public void Rest(LaneWork wake)
    {
        Lane.AssertCurrent();
        Debug.Assert(!IsAwaited && _input is not { HasResult: true }, "there is something to read");
        _wake = wake;
        NoteRest(isAtRest: true);
        if (TakeReadOverdue())
        {
            Input.CancelPendingRead();
        }
        GiveBackHalves();
    }

    /// <summary>Something has happened, and waits to be told.</summary>
    private protected virtual bool HasWaitingEvent => false;

    /// <summary>Whether something begins here with what the peer says next. Where the rest ends by other means, what
    /// has happened already is there to be read.</summary>
    private protected virtual void NoteRest(bool isAtRest)
    {
    }

    /// <summary>Receives for the read that waits, or for who rests: they go on when they are told of what came.
    /// </summary>
    internal bool TryReceiveAhead()
    {
        if (_wake is null)
        {
            return _input is { IsWaiting: true } input && input.TryReceiveAhead();
        }
        if (_input is { HasResult: true })
        {
            return false;
        }
        bool isReceived = Input.TryReceiveAhead();
        GiveBackHalves();
        return isReceived;
    }

    /// <summary>Who rests goes on inside of this call if there is something.</summary>
    internal void OnReadableAtRest(bool readable)
    {
        if (_input is { HasResult: true } || (readable && Readable && Input.TryFill()))
        {
            LaneWork wake = _wake!;
            _wake = null;
            NoteRest(isAtRest: false);
            wake.Run();
        }
        else
        {
            GiveBackHalves();
        }
    }

    /// <summary>It has waited for its next turn with what is there to be received.</summary>
    internal void OnReadableAgain()
    {
        if (_wake is not null)
        {
            OnReadableAtRest(readable: true);
        }
        else if (_input is { IsWaiting: true } input)
        {
            input.OnReadiness(readable: true);
        }
    }

    /// <summary>What was left to the end of the turn is with the system, or waits for the peer.</summary>
    private protected void OnOwedSent()
    {
        if (_wake is not null)
        {
            GiveBackHalves();
        }
    }

    /// <summary>There is a result that did not come from the peer, as of a deadline that passed: who rests goes on from
    /// the ready queue.</summary>
    internal void WakeQueued()
    {
        if (_wake is { } wake)
        {
            _wake = null;
            NoteRest(isAtRest: false);
            Lane.Enqueue(wake);
        }
    }

    /// <summary>What is not needed at rest; what is, stays.</summary>
    private void GiveBackHalves()
    {
        if (_input is { IsUnused: true } input)
        {
            _input = null;
            input.Part();
            Lane.Halves.GiveBack(input);
        }
        if (_output is { IsUnused: true } output)
        {
            _output = null;
            output.Part();
            Lane.Halves.GiveBack(output);
        }
    }

    private ConnectionReader TakeInput()
    {
        Lane.AssertCurrent();
        ConnectionReader input = Lane.Halves.TakeReader();
        input.Join(this);
        return _input = input;
    }

    private ConnectionWriter TakeOutput()
    {
        Lane.AssertCurrent();
        ConnectionWriter output = Lane.Halves.TakeWriter();
        output.Join(this, isBroken: IsClosed || IsCut);
        return _output = output;
    }
}
