using FastGate.Gateway.Routing;
using FastGate.Tests.Routing;

namespace FastGate.Fuzz.Targets;

/// <summary>A path: normal as its obvious twin says, normal twice as once, never climbing, and both policies
/// agree.</summary>
internal static class PathFuzz
{
    public static void Run(byte[] sent)
    {
        byte[] room = new byte[PathNormalizer.NormalBytesMax(sent.Length)];
        NormalPath normal = PathNormalizer.Normalize(sent, room, PathPolicy.Normalize);
        Demand.That(normal.Rule is not (PathRule.TooLong or PathRule.NotNormal), "too long, or not normal");
        FindsTheFirstSuspect(sent);
        PoliciesAgree(sent, normal);
        FitsOrSaysThatItDoesNot(sent, normal);
        string text = Plain.Text(sent);
        string? twin = text.StartsWith('/') ? PlainPath.Of(text) : null;
        Demand.That(normal.IsUsable == twin is not null, $"{normal.Rule}, the twin: {twin}");
        if (twin is null)
        {
            return;
        }
        ReadOnlySpan<byte> form = normal.Of(sent, room);
        Demand.Same(twin, Plain.Text(form), "the twin");
        Demand.Same(twin != text, normal.IsRewritten, "it is rewritten");
        Demand.Same(EncodesSlash(text), normal.HasEncodedSlash, "it has an encoded slash");
        IsNormal(form);
        TwiceIsOnce(form);
    }

    /// <summary>The vectorised scan finds what reading byte by byte finds, whatever lies behind the path.</summary>
    private static void FindsTheFirstSuspect(byte[] sent)
    {
        if (sent is not [(byte)'/', ..])
        {
            return;
        }
        int first = -1;
        for (int i = sent.Length - 1; i > 0; i--)
        {
            bool plain = char.IsAsciiLetterOrDigit((char)sent[i]) || "-._~!$&'()*+,;=:@/"u8.Contains(sent[i]);
            if (!plain || (sent[i - 1] == (byte)'/' && sent[i] is (byte)'/' or (byte)'.'))
            {
                first = i;
            }
        }
        foreach (byte fill in Surroundings.Fills)
        {
            Demand.Same(first, PathNormalizer.IndexOfSuspect(Surroundings.Of(sent, fill)), "the first suspect");
        }
    }

    private static void IsNormal(ReadOnlySpan<byte> form)
    {
        string text = Plain.Text(form);
        Demand.That(text.StartsWith('/'), "no slash at its beginning");
        string[] segments = text[1..].Split('/');
        Demand.That(!segments.SkipLast(1).Contains(""), "an empty segment");
        foreach (string segment in segments)
        {
            string decoded = Uri.UnescapeDataString(segment);
            Demand.That(decoded is not ("." or ".."), "a dot segment");
            Demand.That(!decoded.Split('/', '\\').Any(part => part is "." or ".."), "a hidden dot segment");
        }
        Demand.That(text.All(c => c is > ' ' and < '\x7F' and not ('\\' or '?' or '#')), "a byte that is not plain");
    }

    private static void TwiceIsOnce(ReadOnlySpan<byte> form)
    {
        byte[] room = new byte[form.Length];
        foreach (PathPolicy policy in (PathPolicy[])[PathPolicy.Normalize, PathPolicy.Refuse])
        {
            NormalPath twice = PathNormalizer.Normalize(form, room, policy);
            Demand.Same((PathRule.None, false), (twice.Rule, twice.IsRewritten), "normal once more");
            Demand.SameBytes(form, twice.Of(form, room), "normal once more");
        }
    }

    private static void PoliciesAgree(byte[] sent, NormalPath normal)
    {
        byte[] room = new byte[PathNormalizer.NormalBytesMax(sent.Length)];
        NormalPath refused = PathNormalizer.Normalize(sent, room, PathPolicy.Refuse);
        PathRule expected = normal.IsUsable && normal.IsRewritten ? PathRule.NotNormal : normal.Rule;
        Demand.Same(expected, refused.Rule, "the rule when it is refused");
        if (PathNormalizer.IndexOfSuspect(sent) < 0 && sent is [(byte)'/', ..])
        {
            Demand.Same((PathRule.None, false), (normal.Rule, normal.IsRewritten), "nothing is suspect");
        }
    }

    /// <summary>However small the room, there is no exception and no other result.</summary>
    private static void FitsOrSaysThatItDoesNot(byte[] sent, NormalPath normal)
    {
        int size = Pieces.Of(sent)[^1].First - 1;
        byte[] room = new byte[size];
        NormalPath cramped = PathNormalizer.Normalize(sent, room, PathPolicy.Normalize);
        Demand.That(cramped.Rule == PathRule.TooLong || cramped == normal, "another result in a small room");
    }

    private static bool EncodesSlash(string text) =>
        text.Contains("%2F", StringComparison.OrdinalIgnoreCase)
        || text.Contains("%5C", StringComparison.OrdinalIgnoreCase);
}
