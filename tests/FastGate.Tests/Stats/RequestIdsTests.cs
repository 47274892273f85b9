using System.Text;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed class RequestIdsTests
{
    [Fact]
    public void Ids_are_lower_hex_and_differ_within_and_between_lanes()
    {
        var seen = new HashSet<string>();
        foreach (int lane in new[] { 0, 1, 63, 65_535 })
        {
            var ids = new RequestIds(lane);
            for (int i = 0; i < 10_000; i++)
            {
                string id = Next(ids);
                Assert.Equal(32, id.Length);
                Assert.True(id.All(char.IsAsciiHexDigitLower));
                Assert.True(seen.Add(id), id);
            }
        }
        Assert.Single(seen.Select(id => id[..16]).Distinct());
    }

    [Fact]
    public void An_id_of_ours_is_valid_coming_in()
    {
        Assert.True(RequestIds.IsValid(Encoding.ASCII.GetBytes(Next(new RequestIds(3)))));
    }

    [Theory]
    [InlineData("7b0c2f1e-5b5a-4a5e-9d5f-0c8a2f1e5b5a", true)]
    [InlineData("a", true)]
    [InlineData("", false)]
    [InlineData("a b", false)]
    [InlineData("a\"b", false)]
    [InlineData("a,b", false)]
    [InlineData("a\r\nb", false)]
    [InlineData("a\u00e9", false)]
    public void Only_tokens_come_in(string id, bool valid)
    {
        Assert.Equal(valid, RequestIds.IsValid(Encoding.UTF8.GetBytes(id)));
    }

    [Fact]
    public void Incoming_ids_are_bounded()
    {
        Assert.True(RequestIds.IsValid(new byte[128].Select(_ => (byte)'a').ToArray()));
        Assert.False(RequestIds.IsValid(new byte[129].Select(_ => (byte)'a').ToArray()));
    }

    [Fact]
    public void Nothing_is_allocated()
    {
        var ids = new RequestIds(0);
        var id = new byte[RequestIds.Length];
        ids.Write(id);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
        {
            ids.Write(id);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static string Next(RequestIds ids)
    {
        var id = new byte[RequestIds.Length];
        ids.Write(id);
        return Encoding.ASCII.GetString(id);
    }
}
