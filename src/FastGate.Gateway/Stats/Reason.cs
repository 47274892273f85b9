namespace FastGate.Gateway.Stats;

/// <summary>Why an exchange did not go as asked: the one closed list behind the log, the metric label, <c>/stats</c>,
/// <c>Proxy-Status</c> (RFC 9209) and the problem body (RFC 9457). Values are dense, so counters are arrays.</summary>
public enum Reason : byte
{
    /// <summary>A good exchange: whatever the upstream or the route answered was delivered.</summary>
    None = 0,

    // The client's side.
    BadRequest,
    Unauthenticated,
    Denied,
    NoRoute,
    MethodNotAllowed,
    ClientTimeout,
    BodyTooLarge,
    TargetTooLong,
    ExpectationFailed,
    RateLimited,
    HeadTooLarge,
    /// <summary>Log only: there is nobody left to answer.</summary>
    ClientClosed,
    NotImplemented,
    VersionNotSupported,

    // No server could be tried.
    Overloaded,
    Draining,
    ConnectionLimitReached,
    DestinationUnavailable,

    // A server was tried and failed.
    DnsError,
    ConnectionRefused,
    ConnectionTerminated,
    TlsProtocolError,
    TlsCertificateError,
    HttpProtocolError,
    HttpResponseIncomplete,

    // A server was too slow.
    ConnectionTimeout,
    HttpResponseTimeout,
    ConnectionReadTimeout,

    // A bug of ours.
    ProxyInternalError,
}
