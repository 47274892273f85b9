using System.Text;
using FastGate.Http;

namespace FastGate.Tests.Http;

/// <summary>Every case whole, in pieces of every small size, and with the next message behind it.</summary>
public sealed class ChunkedTests
{
    public static TheoryData<string> Titles => MessageCaseTitles.Of(MessageCases.Chunks);

    [Theory]
    [MemberData(nameof(Titles))]
    public void In_pieces_of_any_size(string title)
    {
        MessageCase each = MessageCases.Of(MessageCases.Chunks, title);
        foreach (int step in (int[])[1, 2, 3, 5, 16, int.MaxValue])
        {
            foreach (byte[] bytes in (byte[][])[each.Bytes, [.. each.Bytes, .. "GET / HTTP/1.1\r\n\r\n"u8]])
            {
                ChunkedBytes decoded = ChunkedBytes.Decode(bytes, step);
                Assert.Equal(each.Expected, decoded.Status);
                if (each.Expected != ParseStatus.Complete)
                {
                    continue;
                }
                Assert.Equal(each.Bytes.Length, decoded.Consumed);
                foreach ((string key, string value) in each.Checks)
                {
                    Assert.Equal(value, key == "data" ? decoded.Data : string.Join(',', decoded.Trailers));
                }
            }
        }
    }

    [Fact]
    public void What_the_encoder_writes_the_decoder_reads()
    {
        foreach (int size in (int[])[1, 9, 10, 15, 16, 255, 4096, 70_000])
        {
            byte[] line = new byte[ChunkedEncoder.SizeLineBytesMax];
            int length = ChunkedEncoder.WriteSizeLine(line, size);
            byte[] data = new byte[size];
            new Random(size).NextBytes(data);
            byte[] body = [.. line.AsSpan(0, length), .. data, .. "\r\n"u8, .. ChunkedEncoder.LastChunk, .. "\r\n"u8];
            ChunkedBytes decoded = ChunkedBytes.Decode(body, 1000);
            Assert.Equal(Encoding.Latin1.GetString(data), decoded.Data);
            Assert.Equal(ParseStatus.Complete, decoded.Status);
        }
    }

    [Fact]
    public void It_allocates_nothing()
    {
        byte[] body = "5;a=\"b\"\r\nhello\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n"u8.ToArray();
        var trailers = new HeaderTable();
        long before = 0;
        for (int i = 0; i < 20; i++)
        {
            before = i == 10 ? GC.GetAllocatedBytesForCurrentThread() : before;
            var decoder = new ChunkedDecoder();
            int at = 0;
            ChunkStep step;
            do
            {
                step = decoder.Read(body.AsSpan(at), out int consumed, out _);
                at += consumed;
            }
            while (step == ChunkStep.Data);
            int scanned = 0;
            TrailerParser.Parse(body.AsSpan(at), MessageCases.Limits, trailers, ref scanned, out _);
        }
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }
}
