namespace FastGate.Http;

/// <summary>What a parser says of the bytes it was shown: complete, incomplete, or the name of the one rule that was
/// broken first. The rules are those of RFC 9112 unless another is named.</summary>
public enum ParseStatus : byte
{
    /// <summary>No rule is broken so far; more bytes are needed.</summary>
    Incomplete = 0,
    Complete,

    // Lines (sections 2.2, 5).
    BareLf,
    BareCr,
    ControlByte,
    HeadTooLarge,
    TooManyHeaders,

    // Request line (section 3).
    MethodNotToken,
    MethodTooLong,
    RequestLineSpaces,
    TargetEmpty,
    TargetByte,
    TargetTooLong,
    TargetForm,
    TargetScheme,
    TargetUserInfo,
    TargetAuthority,
    VersionMalformed,
    VersionNotSupported,

    // Status line (section 4).
    StatusLineMalformed,
    StatusOutOfRange,
    ContentInInterim,

    // Fields (section 5).
    ObsoleteFold,
    LeadingSpace,
    NameEmpty,
    NameNotToken,
    NameDisguised,
    SpaceBeforeColon,
    ColonMissing,

    // Fields that have one value (RFC 9110).
    SingletonDuplicate,
    MaxForwardsMalformed,

    // Host (section 3.2).
    HostMissing,
    HostDuplicate,
    HostMalformed,

    // Framing (section 6).
    LengthMalformed,
    LengthDuplicate,
    LengthOverflow,
    LengthWithTransferEncoding,
    TransferEncodingUnknown,
    TransferEncodingMalformed,
    TransferEncodingDuplicate,
    TransferEncodingInHttp10,
    ContentInTrace,

    // Expect (RFC 9110 section 10.1.1).
    ExpectationUnknown,

    // Chunks (section 7.1).
    ChunkSizeMalformed,
    ChunkSizeOverflow,
    ChunkExtensionMalformed,
    ChunkExtensionTooLong,
    ChunkEndMissing,
}

public static class ParseStatuses
{
    /// <summary>The status that a request which broke this rule is answered with.</summary>
    public static int StatusCode(this ParseStatus status) => status switch
    {
        ParseStatus.TargetTooLong => 414,
        ParseStatus.HeadTooLarge or ParseStatus.TooManyHeaders => 431,
        ParseStatus.ExpectationUnknown => 417,
        ParseStatus.TransferEncodingUnknown => 501,
        ParseStatus.VersionNotSupported => 505,
        _ => 400,
    };
}
