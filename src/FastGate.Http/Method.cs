namespace FastGate.Http;

/// <summary>The request methods with a meaning of their own for a gateway (RFC 9110 section 9, RFC 5789); every other
/// token is <see cref="Other"/> and compared by its bytes.</summary>
public enum Method : byte
{
    Other = 0,
    Get,
    Head,
    Post,
    Put,
    Delete,
    Connect,
    Options,
    Trace,
    Patch,
}
