using System.Text;

namespace FastGate.Http;

/// <summary>The four forms of a request target (RFC 9112 section 3.2). Its bytes were checked already.</summary>
internal static class RequestTarget
{
    public static ParseStatus Read(ReadOnlySpan<byte> data, Slice target, RequestHead head)
    {
        head.Target = target;
        head.Path = default;
        head.Query = default;
        head.HasQuery = false;
        head.Authority = default;
        ReadOnlySpan<byte> text = target.Of(data);
        if (head.Method == Method.Connect)
        {
            head.Form = TargetForm.Authority;
            head.Authority = target;
            return Authority.IsValid(data, target) ? ParseStatus.Complete : ParseStatus.TargetForm;
        }
        if (text[0] == (byte)'/')
        {
            head.Form = TargetForm.Origin;
            SplitQuery(text, target, head);
            return ParseStatus.Complete;
        }
        if (text.SequenceEqual("*"u8))
        {
            head.Form = TargetForm.Asterisk;
            return head.Method == Method.Options ? ParseStatus.Complete
                : head.MethodName.Of(data).SequenceEqual("PRI"u8) ? ParseStatus.VersionNotSupported
                : ParseStatus.TargetForm;
        }
        return ReadAbsolute(data, text, target, head);
    }

    private static ParseStatus ReadAbsolute(ReadOnlySpan<byte> data, ReadOnlySpan<byte> text, Slice target,
        RequestHead head)
    {
        int colon = text.IndexOf("://"u8);
        if (colon < 0)
        {
            return ParseStatus.TargetForm;
        }
        ReadOnlySpan<byte> scheme = text[..colon];
        if (!Ascii.EqualsIgnoreCase(scheme, "http"u8) && !Ascii.EqualsIgnoreCase(scheme, "https"u8))
        {
            return ParseStatus.TargetScheme;
        }
        int start = colon + 3;
        int length = text[start..].IndexOfAny((byte)'/', (byte)'?');
        length = length < 0 ? text.Length - start : length;
        var authority = new Slice(target.Offset + start, length);
        if (authority.Of(data).Contains((byte)'@'))
        {
            return ParseStatus.TargetUserInfo;
        }
        if (!Authority.IsValid(data, authority))
        {
            return ParseStatus.TargetAuthority;
        }
        head.Form = TargetForm.Absolute;
        head.Authority = authority;
        int rest = start + length;
        SplitQuery(text[rest..], new Slice(target.Offset + rest, text.Length - rest), head);
        return ParseStatus.Complete;
    }

    private static void SplitQuery(ReadOnlySpan<byte> text, Slice where, RequestHead head)
    {
        int mark = text.IndexOf((byte)'?');
        if (mark < 0)
        {
            head.Path = where;
            return;
        }
        head.Path = new Slice(where.Offset, mark);
        head.Query = new Slice(where.Offset + mark + 1, where.Length - mark - 1);
        head.HasQuery = true;
    }
}
