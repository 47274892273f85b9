using FastGate.Gateway.Stats;
using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>A client that waits, as others see it: who may end for want of room, and who must, because the gate
/// does.</summary>
internal sealed partial class ClientLoop
{
    /// <summary>It makes room, and has said nothing that an answer would be owed to.</summary>
    private bool _isCutIdle;

    /// <summary>The gate drains: a connection that waits for a request gets a second more.</summary>
    public void BeginDrain()
    {
        if (_wait.IsIdle)
        {
            _client.SetReadDeadline(_lane.Lane.Now + DrainSilenceMs);
        }
    }

    /// <summary>Since when it waits, holding something, for its client or for the upstream, in the lane's milliseconds;
    /// <see cref="LaneTimer.Never"/> when it does not, as who asks for room himself.</summary>
    public long WaitingSince =>
        _wait.IsOn ? ClientCost.WaitingSince(_client, _wait) : ClientCost.WaitingSince(_client, _exchange);

    /// <summary>Since when it waits for a request's first byte, with nothing owed to it, in the lane's milliseconds;
    /// <see cref="LaneTimer.Never"/> when it does not.</summary>
    public long IdleSince => IsIdle ? ClientCost.WaitingSince(_client, _wait) : LaneTimer.Never;

    private bool IsIdle => _wait.IsIdle && _client.OutputInUse is not { IsOwing: true };

    /// <summary>Bytes of memory it takes.</summary>
    public long HeldBytes => ClientCost.HeldBytes(_client, _exchange);

    /// <summary>Memory is short, or connections are, and it waits: it ends, with 503 where nothing was answered
    /// yet.</summary>
    public void MakeRoom()
    {
        if (_wait.IsOn)
        {
            _isCutIdle = IsIdle;
            _client.Input.CancelPendingRead();
        }
        else
        {
            _exchange?.CutShort(Reason.Overloaded);
        }
    }

    /// <summary>The time for draining is over.</summary>
    public void Cut()
    {
        _exchange?.CutShort(Reason.Draining);
        _client.Abort();
    }
}
