using FastGate.Http;

namespace FastGate.Gateway.Proxy;

/// <summary>The value of Date, formatted once a second.</summary>
internal sealed class DateField(TimeProvider clock)
{
    private readonly byte[] _text = new byte[HttpDate.Bytes];
    private long _validUntil = long.MinValue;

    /// <param name="laneNow">The lane's clock in milliseconds.</param>
    public ReadOnlySpan<byte> Now(long laneNow)
    {
        if (laneNow >= _validUntil)
        {
            DateTime now = clock.GetUtcNow().UtcDateTime;
            HttpDate.Write(now, _text);
            // To the end of the current wall-clock second.
            _validUntil = laneNow + 1000 - now.Millisecond;
        }
        return _text;
    }
}
