using FastGate.Gateway.Stats;

namespace FastGate.Gateway.Proxy;

/// <summary>How sending a request to the upstream ended.</summary>
internal enum UploadEnd : byte
{
    /// <summary>All of it was given to the upstream's socket.</summary>
    Complete = 0,
    /// <summary>The client's connection broke, or ended in mid-body.</summary>
    ClientGone,
    /// <summary>The client was silent too long, or slower than <c>body_rate_min</c>.</summary>
    ClientTimeout,
    /// <summary>More than the route allows.</summary>
    TooLarge,
    /// <summary>The chunked coding broke a rule.</summary>
    BadRequest,
    /// <summary>The trailers are more than <c>head_bytes_max</c> or <c>headers_max</c> allow.</summary>
    TrailersTooLarge,
    /// <summary>The upstream's connection broke; it may have answered before.</summary>
    UpstreamBroken,
    /// <summary>The upstream does not read.</summary>
    UpstreamStalled,
    /// <summary>Nobody needs the rest.</summary>
    Canceled,
}

internal static class UploadEnds
{
    public static Reason Reason(this UploadEnd end) => end switch
    {
        UploadEnd.ClientGone => Stats.Reason.ClientClosed,
        UploadEnd.ClientTimeout => Stats.Reason.ClientTimeout,
        UploadEnd.TooLarge => Stats.Reason.BodyTooLarge,
        UploadEnd.BadRequest => Stats.Reason.BadRequest,
        UploadEnd.TrailersTooLarge => Stats.Reason.HeadTooLarge,
        UploadEnd.UpstreamBroken => Stats.Reason.ConnectionTerminated,
        UploadEnd.UpstreamStalled => Stats.Reason.HttpResponseTimeout,
        _ => Stats.Reason.None,
    };
}
