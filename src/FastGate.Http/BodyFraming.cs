namespace FastGate.Http;

/// <summary>How the end of a message's body is found (RFC 9112 section 6.3).</summary>
public enum BodyFraming : byte
{
    /// <summary>No body.</summary>
    None = 0,
    /// <summary>Exactly as many bytes as Content-Length says.</summary>
    Length,
    /// <summary>Transfer-Encoding: chunked.</summary>
    Chunked,
    /// <summary>Responses only: until the connection closes.</summary>
    UntilClose,
}
