using System.Text;
using System.Text.RegularExpressions;
using FastGate.Gateway.Stats;

namespace FastGate.Tests.Stats;

public sealed partial class ReasonTests
{
    /// <summary>The contract's list, copied by hand: a change here is a change of version.</summary>
    private const string Contract = """
        400 bad_request, 401 unauthenticated, 403 denied, 404 no_route, 405 method_not_allowed, 408 client_timeout,
        413 body_too_large, 414 target_too_long, 417 expectation_failed, 429 rate_limited, 431 head_too_large,
        499 client_closed, 501 not_implemented, 505 version_not_supported,
        503 overloaded, 503 draining, 503 connection_limit_reached, 503 destination_unavailable,
        502 dns_error, 502 connection_refused, 502 connection_terminated, 502 tls_protocol_error,
        502 tls_certificate_error, 502 http_protocol_error, 502 http_response_incomplete,
        504 connection_timeout, 504 http_response_timeout, 504 connection_read_timeout, 500 proxy_internal_error
        """;

    [Fact]
    public void The_list_is_the_contracts()
    {
        IEnumerable<string> ours = All().Select(r => $"{r.Status} {Encoding.ASCII.GetString(r.Word)}");
        IEnumerable<string> theirs = Contract.Split(',', StringSplitOptions.TrimEntries);
        Assert.Equal(theirs.Order(), ours.Order());
    }

    [Fact]
    public void A_word_is_its_reasons_name()
    {
        foreach (Reason reason in All())
        {
            string snake = Hump().Replace(reason.ToString(), "_$0").TrimStart('_');
            Assert.Equal(snake, Encoding.ASCII.GetString(reason.Word), ignoreCase: true);
        }
    }

    [Fact]
    public void Titles_are_there_and_need_no_escaping()
    {
        foreach (Reason reason in All())
        {
            string title = Encoding.UTF8.GetString(reason.Title);
            Assert.NotEmpty(title);
            Assert.All(title, c => Assert.True(c is >= ' ' and <= '~' and not ('"' or '\\')));
        }
        Assert.Equal(All().Count(), All().Select(r => Encoding.UTF8.GetString(r.Title)).Distinct().Count());
    }

    [Fact]
    public void None_is_the_upstreams_business()
    {
        Assert.Equal(0, Reason.None.Status);
        Assert.True(Reason.None.Word.IsEmpty);
        Assert.True(Reason.None.Title.IsEmpty);
        Assert.Equal(ReasonWords.Count, Enum.GetValues<Reason>().Length);
    }

    private static IEnumerable<Reason> All() => Enum.GetValues<Reason>().Where(r => r != Reason.None);

    [GeneratedRegex("[A-Z]")]
    private static partial Regex Hump();
}
