using System.Diagnostics;

namespace FastGate.Net.Linux;

/// <summary>How an idle connection moves to another lane: its descriptor leaves one epoll and joins the other, and
/// nothing else goes along.</summary>
internal sealed partial class SocketConnection
{
    public override void HandOver(Lane target, Action<Connection> arrived)
    {
        Lane.AssertCurrent();
        Debug.Assert(!_counted && _connecting is null, "only a quiet upstream connection is handed over");
        OutputInUse?.SendOwed();
        if (OutputInUse is { IsOwing: true })
        {
            // Its buffers cannot go along, and a peer that does not take that little is no use to anybody.
            Abort();
        }
        Unowe();
        Leave();
        if (_slot >= 0)
        {
            EpollLane.Detach(_slot, _fd);
            _slot = -1;
            Readable = false;
        }
        Lane = target;
        target.Post(new Arrival(this, arrived));
    }

    /// <summary>A socket under way between two lanes.</summary>
    private sealed class Arrival(SocketConnection connection, Action<Connection> arrived) : LaneWork
    {
        protected internal override void Run()
        {
            if (connection._fd >= 0)
            {
                // The new epoll reports anew whatever is there.
                connection.Attach(counted: false);
            }
            arrived(connection);
        }

        internal override void Abandon() => connection.CloseDescriptor();
    }
}
