using System.Text;

namespace FastGate.Http;

/// <summary>What the Upgrade fields of a request and of its answer say to each other.</summary>
public static class Upgrades
{
    /// <summary>Whether everything an answer switches to was asked for: a server must not choose another protocol
    /// (RFC 9110 section 7.8).</summary>
    /// <param name="request">The fields of the request.</param>
    /// <param name="requestBytes">Its head.</param>
    /// <param name="answer">The fields of the 101.</param>
    /// <param name="answerBytes">Its head.</param>
    public static bool WereAskedFor(HeaderTable request, ReadOnlySpan<byte> requestBytes, HeaderTable answer,
        ReadOnlySpan<byte> answerBytes)
    {
        foreach (ref readonly Header header in answer.Items)
        {
            ReadOnlySpan<byte> list = header.Id == HeaderId.Upgrade ? header.Value.Of(answerBytes) : default;
            while (!list.IsEmpty)
            {
                if (!Names(request, requestBytes, Syntax.NextElement(ref list)))
                {
                    return false;
                }
            }
        }
        return true;
    }

    private static bool Names(HeaderTable headers, ReadOnlySpan<byte> bytes, ReadOnlySpan<byte> protocol)
    {
        foreach (ref readonly Header header in headers.Items)
        {
            ReadOnlySpan<byte> list = header.Id == HeaderId.Upgrade ? header.Value.Of(bytes) : default;
            while (!list.IsEmpty)
            {
                if (Ascii.EqualsIgnoreCase(Syntax.NextElement(ref list), protocol))
                {
                    return true;
                }
            }
        }
        return false;
    }
}
