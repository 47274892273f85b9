namespace FastGate.Gateway.Stats;

/// <summary>What each <see cref="Reason"/> is called and which status it answers with. Switches over literals: the
/// bytes lie in the program's read-only data, nothing is built at start or allocated on a look-up.</summary>
public static class ReasonWords
{
    /// <summary>Number of reasons, <see cref="Reason.None"/> included: the length of an array by reason.</summary>
    public const int Count = (int)Reason.ProxyInternalError + 1;

    extension(Reason reason)
    {
        /// <summary>The word of log, metric label, <c>/stats</c>, <c>Proxy-Status</c> and problem body; empty for
        /// <see cref="Reason.None"/>.</summary>
        public ReadOnlySpan<byte> Word => reason switch
        {
            Reason.BadRequest => "bad_request"u8,
            Reason.Unauthenticated => "unauthenticated"u8,
            Reason.Denied => "denied"u8,
            Reason.NoRoute => "no_route"u8,
            Reason.MethodNotAllowed => "method_not_allowed"u8,
            Reason.ClientTimeout => "client_timeout"u8,
            Reason.BodyTooLarge => "body_too_large"u8,
            Reason.TargetTooLong => "target_too_long"u8,
            Reason.ExpectationFailed => "expectation_failed"u8,
            Reason.RateLimited => "rate_limited"u8,
            Reason.HeadTooLarge => "head_too_large"u8,
            Reason.ClientClosed => "client_closed"u8,
            Reason.NotImplemented => "not_implemented"u8,
            Reason.VersionNotSupported => "version_not_supported"u8,
            Reason.Overloaded => "overloaded"u8,
            Reason.Draining => "draining"u8,
            Reason.ConnectionLimitReached => "connection_limit_reached"u8,
            Reason.DestinationUnavailable => "destination_unavailable"u8,
            Reason.DnsError => "dns_error"u8,
            Reason.ConnectionRefused => "connection_refused"u8,
            Reason.ConnectionTerminated => "connection_terminated"u8,
            Reason.TlsProtocolError => "tls_protocol_error"u8,
            Reason.TlsCertificateError => "tls_certificate_error"u8,
            Reason.HttpProtocolError => "http_protocol_error"u8,
            Reason.HttpResponseIncomplete => "http_response_incomplete"u8,
            Reason.ConnectionTimeout => "connection_timeout"u8,
            Reason.HttpResponseTimeout => "http_response_timeout"u8,
            Reason.ConnectionReadTimeout => "connection_read_timeout"u8,
            Reason.ProxyInternalError => "proxy_internal_error"u8,
            _ => [],
        };

        /// <summary>The status an answer with this reason carries; 499 is only ever logged; 0 for
        /// <see cref="Reason.None"/>, whose status is the upstream's.</summary>
        public int Status => reason switch
        {
            Reason.BadRequest => 400,
            Reason.Unauthenticated => 401,
            Reason.Denied => 403,
            Reason.NoRoute => 404,
            Reason.MethodNotAllowed => 405,
            Reason.ClientTimeout => 408,
            Reason.BodyTooLarge => 413,
            Reason.TargetTooLong => 414,
            Reason.ExpectationFailed => 417,
            Reason.RateLimited => 429,
            Reason.HeadTooLarge => 431,
            Reason.ClientClosed => 499,
            Reason.ProxyInternalError => 500,
            Reason.NotImplemented => 501,
            Reason.VersionNotSupported => 505,
            >= Reason.Overloaded and <= Reason.DestinationUnavailable => 503,
            >= Reason.DnsError and <= Reason.HttpResponseIncomplete => 502,
            >= Reason.ConnectionTimeout and <= Reason.ConnectionReadTimeout => 504,
            _ => 0,
        };

        /// <summary>A server was tried, and it is the one to blame.</summary>
        public bool IsServers => reason is >= Reason.DnsError and <= Reason.ConnectionReadTimeout;

        /// <summary>The title of the problem document (RFC 9457 section 3.1.4): the same for every occurrence, nothing
        /// internal, nothing that needs escaping in JSON.</summary>
        public ReadOnlySpan<byte> Title => reason switch
        {
            Reason.BadRequest => "The request is not valid HTTP"u8,
            Reason.Unauthenticated => "Credentials are missing or not accepted"u8,
            Reason.Denied => "Access is denied"u8,
            Reason.NoRoute => "No route matches this request"u8,
            Reason.MethodNotAllowed => "The method is not allowed here"u8,
            Reason.ClientTimeout => "The request did not arrive in time"u8,
            Reason.BodyTooLarge => "The request body is too large"u8,
            Reason.TargetTooLong => "The request target is too long"u8,
            Reason.ExpectationFailed => "The expectation cannot be met"u8,
            Reason.RateLimited => "Too many requests"u8,
            Reason.HeadTooLarge => "The request header fields are too large"u8,
            Reason.ClientClosed => "The client closed the connection"u8,
            Reason.NotImplemented => "The request needs something not implemented"u8,
            Reason.VersionNotSupported => "The HTTP version is not supported"u8,
            Reason.Overloaded => "The gateway is overloaded"u8,
            Reason.Draining => "The gateway is shutting down"u8,
            Reason.ConnectionLimitReached => "The upstream's connection limit is reached"u8,
            Reason.DestinationUnavailable => "No server of the upstream is available"u8,
            Reason.DnsError => "The upstream's name cannot be resolved"u8,
            Reason.ConnectionRefused => "The upstream refused the connection"u8,
            Reason.ConnectionTerminated => "The upstream closed the connection before it answered"u8,
            Reason.TlsProtocolError => "The TLS handshake with the upstream failed"u8,
            Reason.TlsCertificateError => "The upstream's certificate is not trusted"u8,
            Reason.HttpProtocolError => "The upstream's answer is not valid HTTP"u8,
            Reason.HttpResponseIncomplete => "The upstream's answer is incomplete"u8,
            Reason.ConnectionTimeout => "Connecting to the upstream took too long"u8,
            Reason.HttpResponseTimeout => "The upstream did not answer in time"u8,
            Reason.ConnectionReadTimeout => "The upstream stopped in the middle of its answer"u8,
            Reason.ProxyInternalError => "The gateway failed"u8,
            _ => [],
        };
    }
}
