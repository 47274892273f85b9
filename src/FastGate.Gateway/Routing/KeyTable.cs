using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace FastGate.Gateway.Routing;

/// <summary>An immutable hash table from (parent, bytes) to a positive number, for children of nodes and for hosts.
/// Open addressing at half load over flat arrays: a lookup that misses costs one hash and, as a rule, one cache line.
/// Its keys come from the configuration, so no request can make its chains longer than the build made them.</summary>
internal sealed class KeyTable
{
    private readonly Slot[] _slots;
    private readonly byte[] _keys;
    private readonly int _keyBytesMax;
    private readonly bool _foldsCase;

    private struct Slot
    {
        public uint Hash;
        public int Parent;
        public int KeyOffset;
        public int KeyLength;
        /// <summary>0: vacant.</summary>
        public int Value;
    }

    /// <param name="entries">Distinct keys; lower case already when <paramref name="foldsCase"/>; values above
    /// 0.</param>
    /// <param name="foldsCase">Letters are compared without regard to ASCII case.</param>
    public KeyTable(IReadOnlyCollection<(int Parent, byte[] Key, int Value)> entries, bool foldsCase)
    {
        _foldsCase = foldsCase;
        _slots = new Slot[(int)BitOperations.RoundUpToPowerOf2((uint)Math.Max(4, entries.Count * 2))];
        _keys = new byte[entries.Sum(static e => e.Key.Length)];
        _keyBytesMax = entries.Count == 0 ? -1 : entries.Max(static e => e.Key.Length);
        int offset = 0;
        foreach ((int parent, byte[] key, int value) in entries)
        {
            key.CopyTo(_keys, offset);
            uint hash = HashOf(parent, key);
            uint at = hash & (uint)(_slots.Length - 1);
            while (_slots[at].Value != 0)
            {
                at = (at + 1) & (uint)(_slots.Length - 1);
            }
            _slots[at] = new Slot
            {
                Hash = hash,
                Parent = parent,
                KeyOffset = offset,
                KeyLength = key.Length,
                Value = value,
            };
            offset += key.Length;
        }
    }

    public bool IsEmpty => _keyBytesMax < 0;

    /// <summary>The value of a key, 0 for none.</summary>
    public int Find(int parent, ReadOnlySpan<byte> key)
    {
        // Also keeps a request's longest segment from costing a hash over all of it.
        if (key.Length > _keyBytesMax)
        {
            return 0;
        }
        uint hash = HashOf(parent, key);
        Slot[] slots = _slots;
        uint at = hash & (uint)(slots.Length - 1);
        while (true)
        {
            ref readonly Slot slot = ref slots[at];
            if (slot.Value == 0)
            {
                return 0;
            }
            if (slot.Hash == hash && slot.Parent == parent && slot.KeyLength == key.Length)
            {
                ReadOnlySpan<byte> known = _keys.AsSpan(slot.KeyOffset, slot.KeyLength);
                if (_foldsCase ? Ascii.EqualsIgnoreCase(known, key) : known.SequenceEqual(key))
                {
                    return slot.Value;
                }
            }
            at = (at + 1) & (uint)(slots.Length - 1);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private uint HashOf(int parent, ReadOnlySpan<byte> key)
    {
        const ulong Multiplier = 0x9E3779B97F4A7C15;
        ulong hash = ((ulong)(uint)parent << 32 | (uint)key.Length) * Multiplier;
        while (key.Length >= 8)
        {
            hash = Mix(hash ^ Fold(MemoryMarshal.Read<ulong>(key)));
            key = key[8..];
        }
        ulong last = 0;
        if (key.Length >= 4)
        {
            last = MemoryMarshal.Read<uint>(key) | ((ulong)MemoryMarshal.Read<uint>(key[^4..]) << 32);
        }
        else if (key.Length > 0)
        {
            last = key[0] | ((ulong)key[key.Length >> 1] << 8) | ((ulong)key[^1] << 16);
        }
        hash = Mix(hash ^ Fold(last));
        return (uint)(hash >> 32);

        static ulong Mix(ulong value)
        {
            value *= Multiplier;
            return value ^ (value >> 32);
        }
    }

    /// <summary>Upper-case letters of eight bytes to lower case. Bytes from 0x80 up are left alone.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ulong Fold(ulong bytes)
    {
        if (!_foldsCase)
        {
            return bytes;
        }
        const ulong Ones = 0x0101010101010101;
        ulong low = bytes & (Ones * 0x7F);
        ulong fromA = low + (Ones * (0x80 - 'A'));
        ulong beyondZ = low + (Ones * (0x80 - 'Z' - 1));
        ulong upper = fromA & ~beyondZ & ~bytes & (Ones * 0x80);
        return bytes | (upper >> 2);
    }
}
