namespace FastGate.Http;

/// <summary>The four forms of a request target (RFC 9112 section 3.2).</summary>
public enum TargetForm : byte
{
    Origin,
    Absolute,
    Authority,
    Asterisk,
}

/// <summary>A parsed request head: offsets into the head's bytes and what was derived from them once. Reused from
/// request to request; holds no bytes itself.</summary>
public sealed class RequestHead
{
    public Method Method { get; internal set; }
    /// <summary>The method as sent.</summary>
    public Slice MethodName { get; internal set; }
    /// <summary>The request target as sent.</summary>
    public Slice Target { get; internal set; }
    public TargetForm Form { get; internal set; }
    /// <summary>Absolute path of the target, as sent; empty for <c>*</c>, authority-form, and an absolute-form target
    /// without a path.</summary>
    public Slice Path { get; internal set; }
    /// <summary>Query without its <c>?</c>.</summary>
    public Slice Query { get; internal set; }
    /// <summary>True when there is a <c>?</c>, even with nothing behind it.</summary>
    public bool HasQuery { get; internal set; }
    /// <summary>The authority this request is for, with its port if one was sent: the target's in absolute-form and
    /// authority-form, otherwise the Host field's value; empty when an HTTP/1.0 request has none.</summary>
    public Slice Authority { get; internal set; }
    /// <summary>1 for HTTP/1.1, 0 for HTTP/1.0.</summary>
    public int MinorVersion { get; internal set; }
    public HeaderTable Headers { get; } = new();
    /// <summary><see cref="BodyFraming.None"/>, <see cref="BodyFraming.Length"/> or
    /// <see cref="BodyFraming.Chunked"/>.</summary>
    public BodyFraming Framing { get; internal set; }
    /// <summary>Bytes of the body when <see cref="Framing"/> is Length, otherwise 0.</summary>
    public long ContentLength { get; internal set; }
    /// <summary>The client wants this connection to persist (RFC 9112 section 9.3).</summary>
    public bool KeepAlive { get; internal set; }
    /// <summary>Expect: 100-continue on HTTP/1.1.</summary>
    public bool ExpectContinue { get; internal set; }
    /// <summary>How many more hops an OPTIONS or TRACE may take (RFC 9110 section 7.6.2), or -1 for any number, which
    /// is also what other methods have.</summary>
    public int MaxForwards { get; internal set; }
    /// <summary>An Upgrade field that Connection names, on HTTP/1.1, and that
    /// <see cref="Upgrades.MayBeAskedFor"/>.</summary>
    public bool Upgrade { get; internal set; }
    /// <summary>Bytes of the whole head with its final empty line.</summary>
    public int Length { get; internal set; }

    /// <summary>Forgets the last request: what is asked before a head is parsed gets the answer of a plain
    /// one.</summary>
    public void Clear()
    {
        Method = Method.Other;
        MethodName = Target = Path = Query = Authority = default;
        Form = TargetForm.Origin;
        HasQuery = KeepAlive = ExpectContinue = Upgrade = false;
        MinorVersion = 1;
        Framing = BodyFraming.None;
        ContentLength = 0;
        MaxForwards = -1;
        Length = 0;
        Headers.Clear();
    }
}
