namespace FastGate.Gateway.Stats;

/// <summary>How a write ended.</summary>
internal enum WriteOutcome
{
    /// <summary>Some or all of it was taken.</summary>
    Written,
    /// <summary>Nothing can be taken now; wait for the descriptor.</summary>
    Full,
    /// <summary>An error; see <see cref="LogTarget.Errno"/>.</summary>
    Failed,
}

/// <summary>One open file that lines go to: a path of ours, standard output or standard error. Writes without waiting
/// wherever the kernel allows it (a regular file always makes the caller wait for the disk).</summary>
internal sealed unsafe class LogTarget
{
    /// <summary>PIPE_BUF on Linux. A pipe that polls as writable has room for so much.</summary>
    private const int PipeBufferBytes = 4096;

    private const int FileMode = 0b110_100_000;

    private readonly string? _path;
    private Posix.Identity _identity;
    private bool _owned;
    /// <summary>Writing more than <see cref="PipeBufferBytes"/> at once, or unasked, could wait for a reader.</summary>
    private bool _mayWait;

    private LogTarget(string? path, string name)
    {
        _path = path;
        Name = name;
    }

    /// <summary>How messages call it.</summary>
    public string Name { get; }

    public int Fd { get; private set; } = -1;

    /// <summary>The errno of the last failed write.</summary>
    public int Errno { get; private set; }

    public Posix.Identity Identity => _identity;

    /// <summary>Has a name that can come to mean another file.</summary>
    public bool HasPath => _path is not null;

    /// <exception cref="IOException">The file cannot be opened.</exception>
    public static LogTarget OpenFile(string path)
    {
        var target = new LogTarget(path, path);
        if (!target.TryReopen())
        {
            throw new IOException($"cannot open the log file {path}: {Posix.Describe(target.Errno)}");
        }
        return target;
    }

    /// <summary>A descriptor that belongs to the process: it is never closed.</summary>
    /// <exception cref="IOException">It is not open. Writing to it regardless would one day write to a connection that
    /// was given the free number.</exception>
    public static LogTarget ForDescriptor(int fd, string name)
    {
        var target = new LogTarget(null, name) { Fd = fd };
        if (!Posix.TryIdentify(fd, out target._identity))
        {
            throw new IOException($"{name} is not open");
        }
        // Setting O_NONBLOCK would set it for everyone who shares the pipe, so a description of our own is opened.
        // Not permitted when the pipe belongs to another user (common in containers), and impossible for a socket.
        if (target._identity.IsFifo && !Posix.IsNonBlocking(fd))
        {
            int own = Posix.Open($"/proc/self/fd/{fd}",
                Posix.WriteOnly | Posix.NonBlocking | Posix.CloseOnExec | Posix.NoControllingTerminal, 0);
            if (own >= 0)
            {
                (target.Fd, target._owned) = (own, true);
            }
        }
        target._mayWait = !target._identity.IsRegular && !Posix.IsNonBlocking(target.Fd);
        return target;
    }

    /// <summary>Opens the path anew and closes the old file; on failure the old one stays and <see cref="Errno"/> says
    /// why.</summary>
    public bool TryReopen()
    {
        if (_path is null)
        {
            return true;
        }
        const int Flags = Posix.WriteOnly | Posix.Append | Posix.Create | Posix.CloseOnExec | Posix.NonBlocking
            | Posix.NoControllingTerminal;
        int fd = Posix.Open(_path, Flags, FileMode);
        if (fd < 0)
        {
            Errno = -fd;
            return false;
        }
        Close();
        (Fd, _owned, _mayWait) = (fd, true, false);
        if (!Posix.TryIdentify(fd, out _identity))
        {
            _identity = default;
        }
        return true;
    }

    /// <summary>The path no longer names the open file: it was rotated away.</summary>
    public bool HasMoved() =>
        _path is not null && (!Posix.TryIdentify(_path, out Posix.Identity now) || !now.IsSameFile(_identity));

    /// <summary>Hands over the pieces, or as much as is taken without waiting.</summary>
    public WriteOutcome Write(Span<IoVec> pieces, out int written)
    {
        written = 0;
        if (_mayWait)
        {
            var poll = new PollFd { Fd = Fd, Events = Posix.PollOut };
            if (Posix.Poll(&poll, 1, 0) == 0)
            {
                return WriteOutcome.Full;
            }
            pieces = Clip(pieces);
        }
        nint result;
        fixed (IoVec* start = pieces)
        {
            result = Posix.Write(Fd, start, pieces.Length);
        }
        if (result > 0)
        {
            written = (int)result;
            return WriteOutcome.Written;
        }
        if (result == -Posix.TryAgain)
        {
            return WriteOutcome.Full;
        }
        Errno = result == 0 ? Posix.NoSpace : (int)-result;
        return WriteOutcome.Failed;
    }

    public void Close()
    {
        if (_owned)
        {
            _ = Posix.Close(Fd);
            (Fd, _owned) = (-1, false);
        }
    }

    private static Span<IoVec> Clip(Span<IoVec> pieces)
    {
        nint room = PipeBufferBytes;
        for (int i = 0; i < pieces.Length; i++)
        {
            if (pieces[i].Length >= room)
            {
                pieces[i] = new IoVec(pieces[i].Start, (int)room);
                return pieces[..(i + 1)];
            }
            room -= pieces[i].Length;
        }
        return pieces;
    }
}
