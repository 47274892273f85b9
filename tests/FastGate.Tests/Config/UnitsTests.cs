using CsCheck;
using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

public sealed class UnitsTests
{
    [Theory]
    [InlineData("250ms", 250)]
    [InlineData("5s", 5_000)]
    [InlineData("1m", 60_000)]
    [InlineData("1h", 3_600_000)]
    [InlineData("1d", 86_400_000)]
    [InlineData("365d", 31_536_000_000)]
    [InlineData("0s", 0)]
    [InlineData("007s", 7_000)]
    public void Durations_are_milliseconds(string text, long expected)
    {
        Assert.True(Units.TryDuration(text, out var value, out _, out _));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("1B", 1)]
    [InlineData("32KiB", 32_768)]
    [InlineData("8MiB", 8_388_608)]
    [InlineData("1GiB", 1_073_741_824)]
    [InlineData("1048576GiB", 1L << 50)]
    public void Sizes_are_bytes(string text, long expected)
    {
        Assert.True(Units.TrySize(text, out var value, out _, out _));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("240B/s", 240)]
    [InlineData("1KiB/s", 1024)]
    public void Rates_are_bytes_per_second(string text, long expected)
    {
        Assert.True(Units.TryByteRate(text, out var value, out _, out _));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("3/s", 3 * 86_400)]
    [InlineData("180/m", 3 * 86_400)]
    [InlineData("1/h", 24)]
    [InlineData("7/d", 7)]
    [InlineData("0/s", 0)]
    [InlineData("1000000/s", 86_400_000_000)]
    public void Rates_are_times_a_day(string text, long expected)
    {
        Assert.True(Units.TryRate(text, out var value, out _, out _));
        Assert.Equal(expected, value);
    }

    [Theory]
    [InlineData("", "'' is no rate", "a whole number and a time: \"3/s\", \"180/m\"")]
    [InlineData("-3/s", "'-3/s' is no rate", "a whole number and a time: \"3/s\", \"180/m\"")]
    [InlineData("1.5/s", "'1.5/s' is no rate", "a whole number and a time: \"3/s\", \"180/m\"")]
    [InlineData("3", "a rate needs a time", "write \"3/s\"; times are /s, /m, /h, /d")]
    [InlineData("3/min", "'/min' is no time of a rate", "write \"3/s\"; times are /s, /m, /h, /d")]
    [InlineData("1000001/s", "the rate is beyond all bounds", "at most \"1000000/s\"")]
    [InlineData("99999999999999999999/d", "the rate is beyond all bounds", "at most \"1000000/s\"")]
    public void Rates_per_time_that_are_none(string text, string error, string hint)
    {
        Assert.False(Units.TryRate(text, out var value, out var said, out var meant));
        Assert.Equal((0, error, hint), (value, said, meant));
    }

    [Theory]
    [InlineData("", "'' is no duration", "a whole number and a unit: ms, s, m, h, d")]
    [InlineData("s", "'s' is no duration", "a whole number and a unit: ms, s, m, h, d")]
    [InlineData("30", "a duration needs a unit", "write \"30s\"")]
    [InlineData("-5s", "a duration is not negative", "a whole number and a unit: ms, s, m, h, d")]
    [InlineData("+5s", "'+5s' is no duration", "a whole number and a unit: ms, s, m, h, d")]
    [InlineData(" 5s", "' 5s' is no duration", "a whole number and a unit: ms, s, m, h, d")]
    [InlineData("5 s", "a duration holds no space", "write \"5s\"")]
    [InlineData("5s ", "a duration holds no space", "write \"5s\"")]
    [InlineData("1.5s", "a duration is a whole number", "write it in a smaller unit")]
    [InlineData("1,5s", "a duration is a whole number", "write it in a smaller unit")]
    [InlineData("5S", "'S' is no unit of a duration", "write \"5s\"")]
    [InlineData("5sec", "'sec' is no unit of a duration", "write \"5s\"")]
    [InlineData("5Minutes", "'Minutes' is no unit of a duration", "write \"5m\"")]
    [InlineData("5y", "'y' is no unit of a duration", "units are ms, s, m, h, d")]
    [InlineData("1h30m", "'h30m' is no unit of a duration", "units are ms, s, m, h, d")]
    [InlineData("5KiB", "'KiB' is no unit of a duration", "units are ms, s, m, h, d")]
    [InlineData("٣s", "'٣s' is no duration", "a whole number and a unit: ms, s, m, h, d")]
    [InlineData("366d", "the duration is beyond all bounds", "at most \"365d\"")]
    [InlineData("9223372036854775807d", "the duration is beyond all bounds", "at most \"365d\"")]
    [InlineData("99999999999999999999ms", "the duration is beyond all bounds", "at most \"365d\"")]
    public void Durations_that_are_none(string text, string error, string hint)
    {
        Assert.False(Units.TryDuration(text, out var value, out var said, out var meant));
        Assert.Equal((0, error, hint), (value, said, meant));
    }

    [Theory]
    [InlineData("32", "a size needs a unit", "write \"32B\"")]
    [InlineData("32K", "'K' is no unit of a size", "write \"32KiB\"")]
    [InlineData("32kb", "'kb' is no unit of a size", "write \"32KiB\"")]
    [InlineData("32MB", "'MB' is no unit of a size", "write \"32MiB\"")]
    [InlineData("1gib", "'gib' is no unit of a size", "write \"1GiB\"")]
    [InlineData("1b", "'b' is no unit of a size", "write \"1B\"")]
    [InlineData("1 GiB", "a size holds no space", "write \"1GiB\"")]
    [InlineData("1s", "'s' is no unit of a size", "units are B, KiB, MiB, GiB")]
    [InlineData("1048577GiB", "the size is beyond all bounds", "at most \"1048576GiB\"")]
    public void Sizes_that_are_none(string text, string error, string hint)
    {
        Assert.False(Units.TrySize(text, out var value, out var said, out var meant));
        Assert.Equal((0, error, hint), (value, said, meant));
    }

    [Theory]
    [InlineData("240", "a rate needs a unit", "write \"240B/s\"")]
    [InlineData("240/s", "a rate needs a unit", "write \"240B/s\"")]
    [InlineData("240B", "'240B' is a size, not a rate", "write \"240B/s\"")]
    [InlineData("240B/m", "'240B/m' is not per second", "write \"240B/s\"")]
    [InlineData("240B/s/s", "'240B/s/s' is not per second", "write \"240B/s\"")]
    [InlineData("1kB/s", "'kB' is no unit of a rate", "write \"1KiB/s\"")]
    [InlineData("/s", "'' is no rate", "a whole number and a unit: B, KiB, MiB, GiB")]
    [InlineData("1048577GiB/s", "the rate is beyond all bounds", "at most \"1048576GiB/s\"")]
    public void Rates_that_are_none(string text, string error, string hint)
    {
        Assert.False(Units.TryByteRate(text, out var value, out var said, out var meant));
        Assert.Equal((0, error, hint), (value, said, meant));
    }

    [Fact]
    public void What_is_written_reads_back()
    {
        Gen.Long[1, Units.SizeBytesMax].Sample(bytes =>
            Units.TrySize(Units.WriteSize(bytes), out var value, out _, out _) && value == bytes);
        Gen.Long[1, Units.DurationMsMax].Sample(ms =>
            Units.TryDuration(Units.WriteDuration(ms), out var value, out _, out _) && value == ms);
    }

    [Fact]
    public void Nothing_throws_and_what_is_refused_has_a_sentence()
    {
        var text = Gen.Char["0123456789 msKiBGd.,-+/µ٣"].Array[0, 24].Select(chars => new string(chars));
        text.Sample(t =>
            IsSound(Units.TryDuration(t, out var a, out var e1, out _), a, Units.DurationMsMax, e1)
            && IsSound(Units.TrySize(t, out var b, out var e2, out _), b, Units.SizeBytesMax, e2)
            && IsSound(Units.TryByteRate(t, out var c, out var e3, out _), c, Units.SizeBytesMax, e3));
    }

    private static bool IsSound(bool taken, long value, long max, string error) =>
        taken ? value >= 0 && value <= max && error.Length == 0 : value == 0 && error.Length > 0;
}
