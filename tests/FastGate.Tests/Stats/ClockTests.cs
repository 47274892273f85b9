using System.Globalization;
using System.Text;
using CsCheck;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed class ClockTests
{
    [Fact]
    public void Timestamps_before_and_after_the_look_become_times()
    {
        var hand = new HandClock();
        var wall = new WallClock(hand);
        long now = Us(hand.Utc);
        Assert.Equal(now, wall.UnixUs(hand.Timestamp));
        Assert.Equal(now + 7, wall.UnixUs(hand.Timestamp + 7_999));
        Assert.Equal(now - 2_000_000, wall.UnixUs(hand.Timestamp - 2_000_000_000));
        Assert.Equal(1, hand.Looks);
    }

    [Fact]
    public void The_wall_clock_is_followed_within_a_second()
    {
        var hand = new HandClock();
        var wall = new WallClock(hand);
        wall.UnixUs(hand.Timestamp);
        hand.Utc += TimeSpan.FromHours(1);
        hand.Timestamp += 999_999_999;
        Assert.True(wall.UnixUs(hand.Timestamp) < Us(hand.Utc) - 3_000_000_000);
        hand.Timestamp += 1;
        Assert.Equal(Us(hand.Utc), wall.UnixUs(hand.Timestamp));
    }

    [Fact]
    public void Times_agree_with_the_slow_way_in_any_order()
    {
        Gen.Long[0, 253_402_300_799_999_999].Array[1, 4].Sample(times =>
        {
            var text = new TimeText();
            foreach (long us in times.Concat(times.Select(t => t / 1_000_000 * 1_000_000 + 7)))
            {
                DateTime time = DateTime.UnixEpoch.AddTicks(us * 10);
                Assert.Equal(time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture),
                    Rfc(text, us));
                Assert.Equal(time.ToString("dd/MMM/yyyy:HH:mm:ss", CultureInfo.InvariantCulture) + " +0000",
                    Common(text, us));
            }
        });
    }

    [Theory]
    [InlineData(-1, "1970-01-01T00:00:00.000000Z")]
    [InlineData(long.MinValue, "1970-01-01T00:00:00.000000Z")]
    [InlineData(long.MaxValue, "9999-12-31T23:59:59.775807Z")]
    public void Times_outside_of_the_calendar_do_not_throw(long us, string expected)
    {
        Assert.Equal(expected, Rfc(new TimeText(), us));
    }

    private static long Us(DateTimeOffset time) => (time - DateTimeOffset.UnixEpoch).Ticks / 10;

    private static string Rfc(TimeText text, long us)
    {
        var room = new byte[64];
        var line = new LineWriter(room);
        text.WriteRfc3339(ref line, us);
        return Encoding.ASCII.GetString(room, 0, line.Length);
    }

    private static string Common(TimeText text, long us)
    {
        var room = new byte[64];
        var line = new LineWriter(room);
        text.WriteCommon(ref line, us);
        return Encoding.ASCII.GetString(room, 0, line.Length);
    }
}
