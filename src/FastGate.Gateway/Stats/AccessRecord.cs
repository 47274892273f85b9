namespace FastGate.Gateway.Stats;

/// <summary>One finished exchange, flat: bytes as they came and numbers as they were counted. An empty span is
/// something that was not there.</summary>
internal readonly ref struct AccessRecord
{
    /// <summary>When the first byte of the request was read: microseconds since 1970, UTC.</summary>
    public long StartUnixUs { get; init; }

    public ReadOnlySpan<byte> Method { get; init; }
    public ReadOnlySpan<byte> Path { get; init; }
    /// <summary>Without its <c>?</c>.</summary>
    public ReadOnlySpan<byte> Query { get; init; }
    /// <summary>What the request was for: a host and perhaps a port.</summary>
    public ReadOnlySpan<byte> Authority { get; init; }
    public ReadOnlySpan<byte> UserAgent { get; init; }
    public ReadOnlySpan<byte> ClientAddress { get; init; }
    public ReadOnlySpan<byte> RequestId { get; init; }
    /// <summary>1 for HTTP/1.1, 0 for HTTP/1.0.</summary>
    public int MinorVersion { get; init; }
    public bool IsTls { get; init; }

    public ReadOnlySpan<byte> Route { get; init; }
    public ReadOnlySpan<byte> Upstream { get; init; }
    /// <summary>Address of the server that answered, or was tried last.</summary>
    public ReadOnlySpan<byte> Server { get; init; }
    public int Retries { get; init; }

    /// <summary>As sent to the client; 499 when it did not wait.</summary>
    public int Status { get; init; }
    public Reason Reason { get; init; }
    /// <summary>The name of the rule that a message broke, where that is the reason: token characters.</summary>
    public ReadOnlySpan<byte> Rule { get; init; }
    /// <summary>Bytes of the request's body that were read.</summary>
    public long RequestBodyBytes { get; init; }
    /// <summary>Bytes of the response's body that were written.</summary>
    public long ResponseBodyBytes { get; init; }

    /// <summary>From the first byte of the request to the last of the response, microseconds.</summary>
    public long DurationUs { get; init; }
    /// <summary>Spent waiting for the upstream.</summary>
    public long UpstreamUs { get; init; }
    /// <summary>Spent by the gateway itself; the contract defines it.</summary>
    public long OverheadUs { get; init; }
}
