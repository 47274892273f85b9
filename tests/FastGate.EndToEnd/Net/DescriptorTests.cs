using FastGate.Net;
using FastGate.Tests;

namespace FastGate.EndToEnd.Net;

/// <summary>Descriptors of the whole process: what other tests open and close must not be among them.</summary>
[Collection(Alone.Name)]
public sealed class DescriptorTests
{
    private const int Rounds = 5;
    /// <summary>What the runtime may open for itself; a leak would be some forty.</summary>
    private const int MoreMax = 8;

    [Fact]
    public void Ending_leaves_no_descriptor_behind()
    {
        RunOnce();
        int before = Descriptors();
        for (int i = 0; i < Rounds; i++)
        {
            RunOnce();
        }
        Assert.InRange(Descriptors() - before, int.MinValue, MoreMax);

        static void RunOnce()
        {
            using var bed = new SocketBed(2);
            bed.On(bed.Lane, async () =>
            {
                Connection connection = await bed.PairOnAnyLaneAsync(bed.Lane);
                await bed.PairOnAnyLaneAsync(bed.Lane);
                // Posted to a lane that ends before or after it looks.
                bed.Transport.Lanes[1].Stop();
                connection.HandOver(bed.Transport.Lanes[1], _ => { });
            });
        }

        static int Descriptors() => Directory.GetFiles("/proc/self/fd").Length;
    }
}
