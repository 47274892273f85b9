using System.Net;
using System.Text;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Differential;

/// <summary>Requests that other projects test themselves with, through a gate that runs: what they refuse is refused
/// and no upstream hears of it, what they accept is forwarded and answered, whatever is forwarded has one reading. The
/// differences are those of the parsers, and those of a gateway.</summary>
public sealed class ForeignRequestTests : IDisposable
{
    private static readonly HeadLimits s_limits = new(32 * 1024, 100);

    /// <summary>What the parsers accept and the gate does not forward, with the status it answers.</summary>
    private static readonly string[] s_differences =
    [
        // A gateway is no forward proxy: no route can ask for CONNECT.
        "gunicorn-valid rfc9112_target_authority_connect_01: 405",
        "gunicorn-valid rfc9112_target_authority_ipv6_01: 405",
    ];

    private readonly CapturingUpstream _upstream = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly GateOnLoopback _gate;

    public ForeignRequestTests() => _gate = new GateOnLoopback(GateOnLoopback.To(_upstream.Address, rest: $"""
        [client]
        head_bytes_max = "{s_limits.HeadBytesMax}B"
        headers_max = {s_limits.HeadersMax}
        """));

    public void Dispose()
    {
        _gate.Dispose();
        _upstream.Dispose();
    }

    [Fact]
    public void Requests_of_other_projects_go_through_or_are_refused()
    {
        Assert.SkipUnless(ForeignCases.AreThere, ForeignCases.NotThere);
        var pass = new GatePass(_gate, _upstream, s_limits);
        var seen = new List<string>();
        foreach (ForeignCase each in ForeignCases.Read())
        {
            // It asserts that exactly the whole requests are forwarded, each with one reading.
            GatePass.Passage passage = pass.Send(Encoding.Latin1.GetString(each.Request));
            string outcome = Outcome(passage);
            bool accepted = outcome == "forwarded";
            if ((each.Expect == "reject" && accepted) || (each.Expect == "accept" && !accepted))
            {
                seen.Add($"{each.Name}: {outcome}");
            }
        }
        string[] expected = [.. ForeignCases.Differences.Select(Expected), .. s_differences];
        Assert.Equal(expected.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
        _gate.Close();
        _upstream.End();
        Assert.Empty(_upstream.Left.Select(each => Reading.Shown(each.Bytes)));
        Assert.Empty(_upstream.Complaints);
    }

    /// <summary>What a client sees: all was forwarded, or with what one was refused, or that the connection just
    /// ends.</summary>
    private static string Outcome(GatePass.Passage passage)
    {
        if (passage.Received.Any(answer => answer.Seen == 0))
        {
            return $"{passage.Received.First(answer => answer.Seen == 0).Status}";
        }
        bool whole = passage.Rest.Length == 0 || (passage.Asked.Count > 0 && !passage.Asked[^1].KeepAlive);
        return whole && passage.Received.Count > 0 ? "forwarded" : "ended";
    }

    /// <summary>What a difference of the parsers looks like from outside.</summary>
    private static string Expected(string difference)
    {
        string[] parts = difference.Split(": ");
        ParseStatus status = Enum.Parse<ParseStatus>(parts[1]);
        return $"{parts[0]}: " + status switch
        {
            ParseStatus.Complete => "forwarded",
            ParseStatus.Incomplete => "ended",
            _ => $"{status.StatusCode()}",
        };
    }
}
