using System.Globalization;
using System.Text;

namespace FastGate.Gateway.Stats;

/// <summary>Writes times; the part down to the second is made once a second. Belongs to one thread.</summary>
internal sealed class TimeText
{
    private const long UsPerSecond = 1_000_000;
    /// <summary>9999-12-31T23:59:59Z: what is outside of the calendar is shown at its edge.</summary>
    private const long SecondMax = 253_402_300_799;

    private long _second = long.MinValue;
    private byte[] _rfc3339 = [];
    private byte[] _common = [];

    /// <summary><c>2026-11-23T17:00:00.123456Z</c> (RFC 3339).</summary>
    public void WriteRfc3339(ref LineWriter line, long unixUs)
    {
        int us = Enter(unixUs);
        line.Raw(_rfc3339);
        line.TwoDigits(us / 10_000);
        line.TwoDigits(us / 100 % 100);
        line.TwoDigits(us % 100);
        line.Byte((byte)'Z');
    }

    /// <summary><c>23/Nov/2026:17:00:00 +0000</c>, as in the common log format.</summary>
    public void WriteCommon(ref LineWriter line, long unixUs)
    {
        Enter(unixUs);
        line.Raw(_common);
    }

    private int Enter(long unixUs)
    {
        (long second, long us) = Math.DivRem(Math.Max(0, unixUs), UsPerSecond);
        if (second != _second)
        {
            DateTime time = DateTime.UnixEpoch.AddSeconds(Math.Min(second, SecondMax));
            _rfc3339 = Encoding.ASCII.GetBytes(time.ToString("yyyy-MM-dd'T'HH:mm:ss.", CultureInfo.InvariantCulture));
            _common = Encoding.ASCII.GetBytes(
                time.ToString("dd/MMM/yyyy:HH:mm:ss '+0000'", CultureInfo.InvariantCulture));
            _second = second;
        }
        return (int)us;
    }
}
