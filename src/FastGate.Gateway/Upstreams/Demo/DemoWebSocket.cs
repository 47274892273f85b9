using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Security.Cryptography;
using FastGate.Http;
using FastGate.Net;
using FastGate.Net.Async;

namespace FastGate.Gateway.Upstreams.Demo;

/// <summary>A WebSocket echo (RFC 6455): every data frame comes back as it was, a ping is answered, a close is
/// closed.</summary>
internal static class DemoWebSocket
{
    private const int FrameBytesMax = 1024 * 1024;
    private const int OpClose = 8;
    private const int OpPing = 9;
    private const int OpPong = 10;

    public static async LaneTask<bool> RunAsync(Connection connection, RequestHead head, byte[] headBytes)
    {
        if (!TryAccept(connection, head, headBytes))
        {
            connection.Output.Append("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8);
            await connection.Output.SendAsync();
            return false;
        }
        await connection.Output.SendAsync();
        while (true)
        {
            ReadResult read = await connection.Input.ReceiveAsync();
            bool open = Echo(read.Buffer, connection.Output, out long used);
            connection.Input.AdvanceTo(read.Buffer.GetPosition(used), read.Buffer.End);
            bool broken = (await connection.Output.SendAsync()).IsCompleted;
            if (!open || broken || read.IsCompleted)
            {
                return false;
            }
        }
    }

    private static bool TryAccept(Connection connection, RequestHead head, byte[] headBytes)
    {
        int index = head.Headers.IndexOf(HeaderId.SecWebSocketKey);
        if (index < 0)
        {
            return false;
        }
        ReadOnlySpan<byte> key = head.Headers[index].Value.Of(headBytes);
        if (key.Length > 64)
        {
            return false;
        }
        Span<byte> text = stackalloc byte[128];
        key.CopyTo(text);
        "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8.CopyTo(text[key.Length..]);
        Span<byte> hash = stackalloc byte[20];
#pragma warning disable CA5350 // The handshake's hash is SHA-1 by RFC 6455 section 1.3; nothing is secured by it.
        SHA1.HashData(text[..(key.Length + 36)], hash);
#pragma warning restore CA5350
        Span<byte> accept = stackalloc byte[28];
        Base64.EncodeToUtf8(hash, accept, out _, out _);
        connection.Output.Append(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"u8);
        connection.Output.Append("Sec-WebSocket-Accept: "u8);
        connection.Output.Append(accept);
        connection.Output.Append("\r\n\r\n"u8);
        return true;
    }

    /// <summary>Answers every whole frame of the buffer.</summary>
    /// <returns>False when the connection is to end.</returns>
    private static bool Echo(in ReadOnlySequence<byte> buffer, ConnectionWriter output, out long used)
    {
        used = 0;
        while (TryReadHeader(buffer.Slice(used), out Frame frame))
        {
            if (frame.Length > FrameBytesMax || !frame.IsMasked)
            {
                return false;
            }
            ReadOnlySequence<byte> rest = buffer.Slice(used + frame.HeaderBytes);
            if (rest.Length < frame.Length)
            {
                return true;
            }
            byte[] payload = rest.Slice(0, frame.Length).ToArray();
            for (int i = 0; i < payload.Length; i++)
            {
                payload[i] ^= (byte)(frame.Mask >> (24 - (8 * (i & 3))));
            }
            used += frame.HeaderBytes + frame.Length;
            Write(output, frame, payload);
            if (frame.Operation == OpClose)
            {
                return false;
            }
        }
        return true;
    }

    private static void Write(ConnectionWriter output, in Frame frame, byte[] payload)
    {
        if (frame.Operation == OpPong)
        {
            return;
        }
        Span<byte> header = stackalloc byte[10];
        header[0] = (byte)((frame.First & 0xF0) | (frame.Operation == OpPing ? OpPong : frame.Operation));
        int length = 2;
        if (payload.Length < 126)
        {
            header[1] = (byte)payload.Length;
        }
        else if (payload.Length <= ushort.MaxValue)
        {
            header[1] = 126;
            BinaryPrimitives.WriteUInt16BigEndian(header[2..], (ushort)payload.Length);
            length = 4;
        }
        else
        {
            header[1] = 127;
            BinaryPrimitives.WriteUInt64BigEndian(header[2..], (ulong)payload.Length);
            length = 10;
        }
        output.Append(header[..length]);
        output.Append(payload);
    }

    private readonly record struct Frame(byte First, bool IsMasked, long Length, uint Mask, int HeaderBytes)
    {
        public int Operation => First & 0x0F;
    }

    private static bool TryReadHeader(in ReadOnlySequence<byte> buffer, out Frame frame)
    {
        frame = default;
        Span<byte> bytes = stackalloc byte[14];
        int have = (int)Math.Min(buffer.Length, bytes.Length);
        buffer.Slice(0, have).CopyTo(bytes);
        if (have < 2)
        {
            return false;
        }
        int lengthBytes = (bytes[1] & 0x7F) switch { 126 => 2, 127 => 8, _ => 0 };
        bool masked = (bytes[1] & 0x80) != 0;
        int headerBytes = 2 + lengthBytes + (masked ? 4 : 0);
        if (have < headerBytes)
        {
            return false;
        }
        ulong length = lengthBytes switch
        {
            2 => BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]),
            8 => BinaryPrimitives.ReadUInt64BigEndian(bytes[2..]),
            _ => (ulong)(bytes[1] & 0x7F),
        };
        uint mask = masked ? BinaryPrimitives.ReadUInt32BigEndian(bytes[(2 + lengthBytes)..]) : 0;
        frame = new Frame(bytes[0], masked, (long)Math.Min(length, long.MaxValue), mask, headerBytes);
        return true;
    }
}
