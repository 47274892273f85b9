namespace FastGate.Http;

/// <summary>A parsed response head: offsets into the head's bytes and what was derived from them once. Reused from
/// response to response; holds no bytes itself.</summary>
public sealed class ResponseHead
{
    /// <summary>100 to 999.</summary>
    public int Status { get; internal set; }
    public Slice Reason { get; internal set; }
    /// <summary>1 for HTTP/1.1, 0 for HTTP/1.0.</summary>
    public int MinorVersion { get; internal set; }
    public HeaderTable Headers { get; } = new();
    public BodyFraming Framing { get; internal set; }
    /// <summary>Bytes of the body when <see cref="Framing"/> is Length, otherwise 0.</summary>
    public long ContentLength { get; internal set; }
    /// <summary>The upstream will read another request on this connection; false whenever the body ends by
    /// close.</summary>
    public bool KeepAlive { get; internal set; }
    /// <summary>Seconds of <c>Keep-Alive: timeout=N</c>, or -1.</summary>
    public int KeepAliveTimeout { get; internal set; }
    /// <summary>An Upgrade field that Connection names.</summary>
    public bool Upgrade { get; internal set; }
    /// <summary>Bytes of the whole head with its final empty line.</summary>
    public int Length { get; internal set; }
}
