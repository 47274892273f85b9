using System.Runtime.CompilerServices;

namespace FastGate.Http;

[Flags]
public enum HeaderFlags : byte
{
    None = 0,
    /// <summary>Stops here: hop-by-hop by its name, or named by Connection and one that Connection may name
    /// (RFC 9110 section 7.6.1).</summary>
    HopByHop = 1,
    /// <summary>The name contains an underscore.</summary>
    Underscore = 2,
    /// <summary>Has white space beyond the usual, or leading zeros in a length: goes on as name, colon, one space and
    /// <see cref="Header.Value"/>, so that nobody behind us has to agree with us on what to trim.</summary>
    Reshaped = 4,
    /// <summary>A name that only a trusted proxy may use, and that has no id: any other <c>X-Forwarded-*</c>, and such
    /// names with underscores for dashes.</summary>
    SpeaksOfClient = 8,
    /// <summary>The name has underscores and is that of a known field, or of one that speaks of the client, to whoever
    /// reads them as dashes, as CGI and its heirs do: it goes on under no <c>underscore_headers</c>.</summary>
    Respelt = 16,
}

/// <summary>One field line. <see cref="Line"/> is the whole line with its CRLF, so that neighbours that are forwarded
/// unchanged can be copied in one run; a line that is <see cref="HeaderFlags.Reshaped"/> is not.</summary>
public struct Header
{
    public Slice Name;
    public Slice Value;
    public Slice Line;
    public HeaderId Id;
    public HeaderFlags Flags;

    /// <summary>It is no part of the message that goes on.</summary>
    public readonly bool IsLeftOut => (Flags & HeaderFlags.HopByHop) != 0;
}

/// <summary>The field lines of one head, in order, reused from message to message. Known names are found by id
/// without comparing bytes.</summary>
public sealed class HeaderTable
{
    /// <summary>Field lines that a table keeps its room for from message to message: more than a message may have
    /// unless the configuration says so.</summary>
    public const int LinesKept = 128;

    private const int LinesFirst = 32;

    private Header[] _items = new Header[LinesFirst];
    private readonly int[] _first = new int[64];
    private ulong _present;
    private ulong _repeated;

    public int Count { get; private set; }

    /// <summary>Bytes of the room for more lines than <see cref="LinesKept"/>.</summary>
    public int ExtraBytes => Math.Max(0, _items.Length - LinesKept) * Unsafe.SizeOf<Header>();

    public ref readonly Header this[int index] => ref _items[index];

    public ReadOnlySpan<Header> Items => _items.AsSpan(0, Count);

    /// <summary>True when at least one field with this known name is present.</summary>
    public bool Has(HeaderId id) => (_present & (1UL << (int)id)) != 0;

    /// <summary>A bit for each of the ids, at the place of its number.</summary>
    public static ulong Ids(params ReadOnlySpan<HeaderId> ids)
    {
        ulong bits = 0;
        foreach (HeaderId id in ids)
        {
            bits |= 1UL << (int)id;
        }
        return bits;
    }

    /// <summary>True when at least one field with one of these names is present.</summary>
    /// <param name="ids">As <see cref="Ids"/> gives them.</param>
    public bool HasAny(ulong ids) => (_present & ids) != 0;

    /// <summary>Index of the first field with this id, or -1.</summary>
    public int IndexOf(HeaderId id) => Has(id) ? _first[(int)id] : -1;

    /// <summary>True when there is more than one field with this known name.</summary>
    public bool IsRepeated(HeaderId id) => ((_repeated >> (int)id) & 1) != 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal ref Header Add(HeaderId id)
    {
        if (Count == _items.Length)
        {
            Grow();
        }
        ulong bit = 1UL << (int)id;
        if ((_present & bit) == 0)
        {
            _present |= bit;
            _first[(int)id] = Count;
        }
        else
        {
            _repeated |= bit;
        }
        ref Header header = ref _items[Count++];
        header.Id = id;
        header.Flags = HeaderFlags.None;
        return ref header;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow() => Array.Resize(ref _items, _items.Length * 2);

    internal ref Header Mutable(int index) => ref _items[index];

    /// <summary>Index of the last field with this id, or -1.</summary>
    public int LastIndexOf(HeaderId id)
    {
        for (int i = Has(id) ? Count - 1 : -1; i >= 0; i--)
        {
            if (_items[i].Id == id)
            {
                return i;
            }
        }
        return -1;
    }

    /// <summary>A name among them contains an underscore.</summary>
    public bool HasUnderscores { get; internal set; }

    /// <summary>Of those, one is Content-Length or Transfer-Encoding with an underscore for its dash.</summary>
    public bool HasUnderscoredFraming { get; internal set; }

    /// <summary>A name among them is one of <see cref="HeaderNames.IsDisguised"/>.</summary>
    internal bool HasDisguised { get; set; }

    /// <summary>A name among them has <see cref="HeaderFlags.SpeaksOfClient"/>.</summary>
    public bool HasSpeakersOfClient { get; internal set; }

    /// <summary>Connection names a field, other than Upgrade and TE: trailers of that name must not go on either
    /// (RFC 9110 section 7.6.1).</summary>
    public bool HasNamedFields { get; internal set; }

    /// <summary>The ids of which there is more than one field, as bits.</summary>
    internal ulong Repeated => _repeated;

    /// <summary>Marks a field as one that is not copied.</summary>
    public void LeaveOut(int index) => _items[index].Flags |= HeaderFlags.HopByHop;

    public void Clear()
    {
        Count = 0;
        _present = 0;
        _repeated = 0;
        HasUnderscores = false;
        HasUnderscoredFraming = false;
        HasDisguised = false;
        HasSpeakersOfClient = false;
        HasNamedFields = false;
    }

    /// <summary>The room that a message of very many lines took, and those lines, are not kept.</summary>
    public void Shrink()
    {
        if (_items.Length > LinesKept)
        {
            Clear();
            _items = new Header[LinesFirst];
        }
    }
}
