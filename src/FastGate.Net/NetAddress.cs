using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace FastGate.Net;

/// <summary>Where a connection leads: an IP address and port, a Unix socket's path, or a name inside this
/// process.</summary>
public sealed class NetAddress : IEquatable<NetAddress>
{
    private NetAddress(AddressKind kind, string text, byte[] socketAddress)
    {
        Kind = kind;
        Text = text;
        SocketAddress = socketAddress;
    }

    public enum AddressKind : byte
    {
        Tcp,
        Unix,
        Memory,
    }

    /// <summary>Longest path of a Unix socket in bytes, its final zero included (sun_path, unix(7)).</summary>
    public const int UnixPathBytesMax = 108;

    public AddressKind Kind { get; }

    /// <summary>As an operator writes it: <c>127.0.0.1:80</c>, <c>[::1]:80</c>, <c>unix:/run/x.sock</c>,
    /// <c>demo:</c>.</summary>
    public string Text { get; }

    /// <summary>The kernel's form (struct sockaddr); empty inside the process.</summary>
    internal byte[] SocketAddress { get; }

    /// <summary>True for the IPv6 wildcard that takes IPv4 too.</summary>
    internal bool DualStack { get; private init; }

    /// <summary>IP address, or null.</summary>
    public IPAddress? Ip { get; private init; }

    internal ReadOnlySpan<byte> IpBytes => IpOf(SocketAddress);

    public int Port { get; private init; }

    /// <summary>Path of a Unix socket or name inside the process, or null.</summary>
    public string? Path { get; private init; }

    public static NetAddress Tcp(IPAddress ip, int port, bool dualStack = false)
    {
        ip = ip.IsIPv4MappedToIPv6 ? ip.MapToIPv4() : ip;
        bool v6 = ip.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
        byte[] raw = new byte[v6 ? 28 : 16];
        BinaryPrimitives.WriteUInt16LittleEndian(raw, v6 ? Linux.Libc.AfInet6 : Linux.Libc.AfInet);
        BinaryPrimitives.WriteUInt16BigEndian(raw.AsSpan(2), (ushort)port);
        ip.TryWriteBytes(raw.AsSpan(v6 ? 8 : 4), out _);
        if (v6)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(raw.AsSpan(24), (uint)ip.ScopeId);
        }
        string text = dualStack ? $":{port}" : v6 ? $"[{ip}]:{port}" : $"{ip}:{port}";
        return new NetAddress(AddressKind.Tcp, text, raw) { Ip = ip, Port = port, DualStack = dualStack };
    }

    /// <summary>Every address of this machine, IPv6 and IPv4.</summary>
    public static NetAddress Any(int port) => Tcp(IPAddress.IPv6Any, port, dualStack: true);

    /// <exception cref="ArgumentException">The path is empty or does not fit
    /// (<see cref="UnixPathBytesMax"/>).</exception>
    public static NetAddress Unix(string path)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(path);
        if (bytes.Length is 0 or >= UnixPathBytesMax)
        {
            throw new ArgumentException($"a socket's path has 1 to {UnixPathBytesMax - 1} bytes", nameof(path));
        }
        byte[] raw = new byte[2 + bytes.Length + 1];
        BinaryPrimitives.WriteUInt16LittleEndian(raw, Linux.Libc.AfUnix);
        bytes.CopyTo(raw, 2);
        return new NetAddress(AddressKind.Unix, "unix:" + path, raw) { Path = path };
    }

    public static NetAddress Memory(string name) => new(AddressKind.Memory, name, []) { Path = name };

    /// <summary>From what the kernel reported.</summary>
    internal static NetAddress FromSocketAddress(ReadOnlySpan<byte> raw)
    {
        int family = raw.Length < 2 ? Linux.Libc.AfUnix : BinaryPrimitives.ReadUInt16LittleEndian(raw);
        return family switch
        {
            Linux.Libc.AfInet => Tcp(new IPAddress(raw.Slice(4, 4)), BinaryPrimitives.ReadUInt16BigEndian(raw[2..])),
            Linux.Libc.AfInet6 => Tcp(
                new IPAddress(raw.Slice(8, 16), BinaryPrimitives.ReadUInt32LittleEndian(raw[24..])),
                BinaryPrimitives.ReadUInt16BigEndian(raw[2..])),
            _ => s_unnamed,
        };
    }

    /// <summary>The IP address in what the kernel reported; of an IPv4 address in its IPv6 form (RFC 4291 section
    /// 2.5.5.2) the IPv4 address, and nothing where there is none.</summary>
    internal static ReadOnlySpan<byte> IpOf(ReadOnlySpan<byte> raw)
    {
        int family = raw.Length < 2 ? Linux.Libc.AfUnix : BinaryPrimitives.ReadUInt16LittleEndian(raw);
        return family switch
        {
            Linux.Libc.AfInet => raw.Slice(4, 4),
            Linux.Libc.AfInet6 => raw.Slice(8, 12).SequenceEqual(s_mapped) ? raw.Slice(20, 4) : raw.Slice(8, 16),
            _ => default,
        };
    }

    private static ReadOnlySpan<byte> s_mapped => [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF];

    /// <summary>A client of a Unix socket: it has no name.</summary>
    private static readonly NetAddress s_unnamed = new(AddressKind.Unix, "unix:", []);

    public override string ToString() => Text;

    public bool Equals(NetAddress? other) => other is not null && other.Kind == Kind && other.Text == Text;

    public override bool Equals(object? obj) => Equals(obj as NetAddress);

    public override int GetHashCode() => Text.GetHashCode(StringComparison.Ordinal);
}
