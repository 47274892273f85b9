using System.Buffers;
using FastGate.Http;
using Microsoft.Extensions.ObjectPool;

namespace FastGate.Gateway.Proxy;

/// <summary>The bytes that an exchange keeps: the heads of its request and its answer, in one piece each, and the path
/// where it must be rewritten. Buffers grow to what a message needs and are kept for the next one, unless they are
/// large.</summary>
internal sealed partial class Exchange
{
    private const int HeadBytesKept = 8 * 1024;
    private const int HeadBytesFirst = 1024;
    private const int PathBytesFirst = 256;

    private readonly ObjectPool<ResponseHead> _responses;
    private ResponseHead? _response;
    private byte[] _head = new byte[HeadBytesFirst];
    private byte[] _path = new byte[PathBytesFirst];
    private byte[] _answer = [];
    private int _bufferBytes = HeadBytesFirst + PathBytesFirst;
    private int _tableBytes;
    private int _answerStraddled;
    private int _headLength;
    private int _pathLength;
    private int _straddled;
    private bool _pathIsOwn;
    private Slice _pathInHead;

    /// <summary>The request head's bytes, to which its slices refer.</summary>
    public ReadOnlySpan<byte> HeadBytes => _head.AsSpan(0, _headLength);

    /// <summary>The normalised path: the client's own bytes where they were normal already.</summary>
    public ReadOnlySpan<byte> Path => _pathIsOwn ? _path.AsSpan(0, _pathLength) : _pathInHead.Of(_head);

    public ReadOnlySpan<byte> Query => Request.Query.Of(_head);

    public ReadOnlySpan<byte> Authority => Request.Authority.Of(_head);

    /// <summary>The head of the answer. The lane's until an answer is here: of many exchanges that wait for theirs each
    /// would have one that has left the core's caches meanwhile.</summary>
    public ResponseHead Response => _response ??= _responses.Get();

    /// <summary>The answer's head where it was received, to which <see cref="Response"/>'s slices refer; valid until it
    /// is consumed.</summary>
    public ReadOnlyMemory<byte> ResponseBytes { get; set; }

    /// <summary>Keeps the bytes of a complete head: its slices refer to this copy from now on, and the connection's
    /// buffer is free for the body.</summary>
    public void KeepHead(ReadOnlySpan<byte> head)
    {
        if (_straddled < head.Length)
        {
            Grow(ref _head, head.Length, used: 0);
            head.CopyTo(_head);
        }
        _headLength = head.Length;
        _pathInHead = Request.Path;
    }

    /// <summary>A head was parsed, to its end or not: charges what the tables of field lines have grown to beyond what
    /// every exchange is charged, which only an unusual <c>headers_max</c> lets them.</summary>
    public void ChargeTables()
    {
        int bytes = Request.Headers.ExtraBytes + (_response?.Headers.ExtraBytes ?? 0);
        if (bytes > _tableBytes)
        {
            _memory.Take(bytes - _tableBytes);
            _bufferBytes += bytes - _tableBytes;
            _tableBytes = bytes;
        }
    }

    /// <summary>A head that lies in several segments, in one piece: only what is new since the last call is copied, so
    /// a client that dribbles stays linear.</summary>
    public ReadOnlySpan<byte> Straddle(in ReadOnlySequence<byte> buffer, int bytesMax)
    {
        int length = (int)Math.Min(buffer.Length, bytesMax);
        Grow(ref _head, length, _straddled);
        buffer.Slice(_straddled, length - _straddled).CopyTo(_head.AsSpan(_straddled));
        _straddled = length;
        return _head.AsSpan(0, length);
    }

    /// <summary>The same for the head of an answer.</summary>
    public ReadOnlyMemory<byte> StraddleResponse(in ReadOnlySequence<byte> buffer, int bytesMax)
    {
        int length = (int)Math.Min(buffer.Length, bytesMax);
        Grow(ref _answer, length, _answerStraddled);
        buffer.Slice(_answerStraddled, length - _answerStraddled).CopyTo(_answer.AsSpan(_answerStraddled));
        _answerStraddled = length;
        return _answer.AsMemory(0, length);
    }

    /// <summary>The head of an answer was used up; the next one starts anew.</summary>
    public void ForgetResponseHead()
    {
        ResponseBytes = default;
        _answerStraddled = 0;
    }

    /// <summary>Room for a path that must be rewritten.</summary>
    public Span<byte> PathRoom(int bytes)
    {
        Grow(ref _path, bytes, used: 0);
        return _path;
    }

    public void SetPath(int length)
    {
        _pathLength = length;
        _pathIsOwn = true;
    }

    private void Grow(ref byte[] buffer, int needed, int used)
    {
        if (buffer.Length < needed)
        {
            byte[] larger = new byte[Math.Max(needed, buffer.Length * 2)];
            buffer.AsSpan(0, used).CopyTo(larger);
            _memory.Take(larger.Length - buffer.Length);
            _bufferBytes += larger.Length - buffer.Length;
            buffer = larger;
        }
    }

    /// <summary>A long message's room is not kept for short ones.</summary>
    private void Shrink(ref byte[] buffer, int first)
    {
        if (buffer.Length > HeadBytesKept)
        {
            _memory.Give(buffer.Length - first);
            _bufferBytes -= buffer.Length - first;
            buffer = first == 0 ? [] : new byte[first];
        }
    }

    private void ForgetTables()
    {
        _memory.Give(_tableBytes);
        _bufferBytes -= _tableBytes;
        _tableBytes = 0;
        Request.Headers.Shrink();
        _response?.Headers.Shrink();
    }

    private void ForgetBytes()
    {
        ForgetResponseHead();
        ForgetTables();
        if (_response is { } response)
        {
            _response = null;
            _responses.Return(response);
        }
        _headLength = 0;
        _pathLength = 0;
        _straddled = 0;
        _pathIsOwn = false;
        _pathInHead = default;
        if (_bufferBytes > HeadBytesKept)
        {
            Shrink(ref _head, HeadBytesFirst);
            Shrink(ref _path, PathBytesFirst);
            Shrink(ref _answer, 0);
        }
    }
}
