using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>A client's connection waits for a request.</summary>
/// <param name="IsIdle">For its first byte; otherwise for the rest of its head.</param>
/// <param name="Since">In the lane's milliseconds; <see cref="LaneTimer.Never"/> when it waits for neither.</param>
internal readonly record struct RequestWait(bool IsIdle, long Since)
{
    public static RequestWait None => new(IsIdle: false, LaneTimer.Never);

    public bool IsOn => Since != LaneTimer.Never;
}
