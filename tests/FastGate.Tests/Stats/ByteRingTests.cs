using System.Text;
using CsCheck;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed class ByteRingTests
{
    private const int Capacity = 64;

    [Fact]
    public void A_line_over_the_end_comes_out_whole()
    {
        var ring = new ByteRing(Capacity, 40);
        Assert.True(Put(ring, new string('a', 39)));
        Assert.Equal(new string('a', 39) + "\n", TakeAll(ring));
        string line = "0123456789012345678901234567890123";
        Assert.True(Put(ring, line));
        Assert.Equal(line + "\n", TakeAll(ring));
    }

    [Fact]
    public void A_full_ring_takes_nothing_until_a_whole_line_was_sent()
    {
        var ring = new ByteRing(Capacity, 32);
        Assert.True(Put(ring, new string('a', 31)));
        Assert.True(Put(ring, new string('b', 31)));
        Assert.False(Put(ring, ""));
        ring.Advance(31);
        Assert.True(ring.IsMidLine);
        Assert.False(Put(ring, ""));
        ring.Advance(1);
        Assert.False(ring.IsMidLine);
        Assert.True(Put(ring, new string('c', 31)));
        Assert.False(Put(ring, ""));
        Assert.Equal(new string('b', 31) + "\n" + new string('c', 31) + "\n", TakeAll(ring));
        Assert.True(ring.IsEmpty);
    }

    [Fact]
    public void A_line_half_sent_can_be_sent_again()
    {
        var ring = new ByteRing(Capacity, 32);
        Put(ring, "first");
        Put(ring, "second");
        ring.Advance(9);
        Assert.True(ring.IsMidLine);
        Assert.Equal(13, ring.LineEnd());
        ring.Rewind();
        Assert.False(ring.IsMidLine);
        Assert.Equal("second\n", TakeAll(ring));
    }

    [Fact]
    public void What_is_discarded_is_counted_with_the_line_begun()
    {
        var ring = new ByteRing(Capacity, 32);
        Put(ring, "first");
        Put(ring, "second");
        Put(ring, "third");
        ring.Advance(8);
        Assert.Equal(2, ring.Discard());
        Assert.True(ring.IsEmpty);
        Assert.Equal("", TakeAll(ring));
    }

    [Fact]
    public void Half_full_is_seen_and_gone_again()
    {
        var ring = new ByteRing(Capacity, 32);
        Put(ring, new string('a', 31));
        Assert.False(ring.IsHalfFull);
        Put(ring, "b");
        Assert.True(ring.IsHalfFull);
        TakeAll(ring);
        Assert.False(ring.IsHalfFull);
    }

    [Fact]
    public void It_agrees_with_a_queue_of_bytes()
    {
        Gen.Select(Gen.Bool, Gen.Int[0, 31], Gen.Int[1, 70]).List[1, 300].Sample(steps =>
        {
            var ring = new ByteRing(Capacity, 32);
            var twin = new Queue<byte>();
            int sentOfLine = 0;
            foreach ((bool put, int length, int take) in steps)
            {
                if (put)
                {
                    bool fits = Capacity - twin.Count - sentOfLine >= length + 1;
                    string text = new((char)('a' + length % 26), length);
                    Assert.Equal(fits, Put(ring, text));
                    if (fits)
                    {
                        Encoding.ASCII.GetBytes(text + "\n").ToList().ForEach(twin.Enqueue);
                    }
                    continue;
                }
                byte[] waiting = Peek(ring);
                Assert.Equal(twin, waiting);
                int taken = Math.Min(take, waiting.Length);
                ring.Advance(taken);
                for (int i = 0; i < taken; i++)
                {
                    sentOfLine = twin.Dequeue() == '\n' ? 0 : sentOfLine + 1;
                }
                Assert.Equal(sentOfLine != 0, ring.IsMidLine);
            }
        });
    }

    [Fact]
    public void Two_threads_see_every_line_in_order()
    {
        const int Lines = 40_000;
        var ring = new ByteRing(1024, 64);
        var producer = new Thread(() =>
        {
            var spin = new SpinWait();
            for (int i = 0; i < Lines; i++)
            {
                while (!Put(ring, Numbered(i)))
                {
                    spin.SpinOnce();
                }
            }
        });
        producer.Start();
        var pending = new StringBuilder();
        int next = 0;
        var wait = new SpinWait();
        int step = 1;
        while (next < Lines)
        {
            byte[] bytes = Peek(ring);
            if (bytes.Length == 0)
            {
                Assert.True(producer.IsAlive || !ring.IsEmpty || next == Lines);
                wait.SpinOnce();
                continue;
            }
            // Odd amounts, so that lines are often sent in two parts.
            int take = Math.Min(bytes.Length, step = step % 97 + 1);
            pending.Append(Encoding.ASCII.GetString(bytes, 0, take));
            ring.Advance(take);
            string text = pending.ToString();
            int end = text.LastIndexOf('\n');
            if (end >= 0)
            {
                foreach (string line in text[..end].Split('\n'))
                {
                    Assert.Equal(Numbered(next++), line);
                }
                pending.Remove(0, end + 1);
            }
        }
        producer.Join();
        Assert.True(ring.IsEmpty);
    }

    private static string Numbered(int i) => i + new string('.', i % 37);

    private static bool Put(ByteRing ring, string text)
    {
        Span<byte> room = ring.Reserve(text.Length + 1);
        if (room.IsEmpty)
        {
            return false;
        }
        Encoding.ASCII.GetBytes(text, room);
        room[text.Length] = (byte)'\n';
        ring.Publish(text.Length + 1);
        return true;
    }

    private static unsafe byte[] Peek(ByteRing ring)
    {
        Span<IoVec> pieces = stackalloc IoVec[2];
        int count = ring.Gather(ring.Head, pieces);
        var bytes = new List<byte>();
        foreach (IoVec piece in pieces[..count])
        {
            bytes.AddRange(new ReadOnlySpan<byte>(piece.Start, (int)piece.Length));
        }
        return [.. bytes];
    }

    private static string TakeAll(ByteRing ring)
    {
        byte[] bytes = Peek(ring);
        ring.Advance(bytes.Length);
        return Encoding.ASCII.GetString(bytes);
    }
}
