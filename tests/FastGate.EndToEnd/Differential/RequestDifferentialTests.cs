using System.Net;
using System.Text;
using FastGate.Http;
using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Differential;

/// <summary>Whatever clients send, what the gate forwards has one reading: that of the strict reader which captures it,
/// which is what the client's bytes mean to the obvious twins of the parsers; and strict parsers of others read the
/// same.</summary>
public sealed class RequestDifferentialTests : IDisposable
{
    /// <summary>Pipelines per reader in the usual run.</summary>
    private const int Usual = 1500;

    private static readonly HeadLimits s_foreignLimits = new(32 * 1024, 100);

    private readonly CapturingUpstream _upstream = new(new IPEndPoint(IPAddress.Loopback, 0));
    private GateOnLoopback? _gate;

    public void Dispose()
    {
        _gate?.Dispose();
        _upstream.Dispose();
    }

    [Fact]
    public Task Kestrel_reads_what_is_forwarded_as_it_is_meant() => CompareAsync(KestrelReader.StartAsync, 1);

    [Fact]
    public Task Node_reads_what_is_forwarded_as_it_is_meant()
    {
        Assert.SkipUnless(NodeReader.Program is not null, "there is no node to compare with");
        return CompareAsync(NodeReader.StartAsync, 2);
    }

    [Fact]
    public Task Nginx_reads_what_is_forwarded_as_it_is_meant()
    {
        Assert.SkipUnless(NginxReader.Program is not null, "there is no nginx to compare with");
        return CompareAsync(NginxReader.StartAsync, 3);
    }

    [Fact]
    public async Task Requests_of_other_projects_are_read_as_they_are_meant()
    {
        Assert.SkipUnless(ForeignCases.AreThere, ForeignCases.NotThere);
        GatePass pass = Start(s_foreignLimits);
        Captured[] forwarded = [.. ForeignCases.Read().SelectMany(
            each => pass.Send(Encoding.Latin1.GetString(each.Request)).Forwarded)];
        Assert.NotEmpty(forwarded);
        await using (IndependentReader kestrel = await KestrelReader.StartAsync())
        {
            Replay.AssertReadAlike(kestrel, forwarded);
        }
        if (NodeReader.Program is not null)
        {
            await using IndependentReader node = await NodeReader.StartAsync();
            Replay.AssertReadAlike(node, forwarded);
        }
        if (NginxReader.Program is not null)
        {
            await using IndependentReader nginx = await NginxReader.StartAsync();
            Replay.AssertReadAlike(nginx, forwarded);
        }
        AssertNothingMore();
    }

    /// <summary>Good requests with others in their bodies: exactly they come out, in order.</summary>
    [Fact]
    public void What_is_hidden_in_bodies_is_never_a_request()
    {
        GatePass pass = Start(MessageCases.Limits);
        foreach (Pipeline pipeline in Rounds.Of(RequestInputs.GoodPipelines, Usual / 3, 4).SelectMany(batch => batch))
        {
            GatePass.Passage passage = pass.Send(pipeline.Text, pipeline.PieceBytes);
            AssertBegins(pipeline, passage);
            Assert.Equal(pipeline.Before.Length, passage.Forwarded.Count);
            Assert.DoesNotContain(passage.Forwarded,
                each => each.Reading.Start.Contains(RequestInputs.Marker, StringComparison.Ordinal));
        }
        AssertNothingMore();
    }

    private async Task CompareAsync(Func<Task<IndependentReader>> start, uint stream)
    {
        await using IndependentReader reader = await start();
        GatePass pass = Start(MessageCases.Limits);
        var accepted = new List<Captured>();
        foreach (string text in RequestInputs.Accepted)
        {
            accepted.AddRange(pass.Send(text).Forwarded);
        }
        Assert.NotEmpty(accepted);
        Replay.AssertReadAlike(reader, accepted);
        long count = 0;
        foreach (Pipeline[] batch in Rounds.Of(RequestInputs.Pipelines, Usual, stream))
        {
            var forwarded = new List<Captured>();
            foreach (Pipeline pipeline in batch)
            {
                GatePass.Passage passage = pass.Send(pipeline.Text, pipeline.PieceBytes);
                AssertBegins(pipeline, passage);
                forwarded.AddRange(passage.Forwarded);
            }
            Replay.AssertReadAlike(reader, forwarded);
            count += forwarded.Count;
        }
        Rounds.Say($"{count} requests were forwarded and compared");
        AssertNothingMore();
    }

    private GatePass Start(HeadLimits limits)
    {
        _gate = new GateOnLoopback(GateOnLoopback.To(_upstream.Address, rest: $"""
            [client]
            head_bytes_max = "{limits.HeadBytesMax}B"
            headers_max = {limits.HeadersMax}
            """));
        return new GatePass(_gate, _upstream, limits);
    }

    /// <summary>The good ones in front of the odd one are forwarded by all means.</summary>
    private static void AssertBegins(Pipeline pipeline, GatePass.Passage passage)
    {
        StrictReader.Demand(passage.Forwarded.Count >= pipeline.Before.Length, "requests were lost of", pipeline.Text);
        for (int i = 0; i < pipeline.Before.Length; i++)
        {
            Assert.Equal(pipeline.Before[i].Target, passage.Forwarded[i].Reading.Target);
            Assert.Equal(pipeline.Before[i].Body, passage.Forwarded[i].Reading.Body);
        }
    }

    /// <summary>Nothing comes late, and nothing that came was ambiguous.</summary>
    private void AssertNothingMore()
    {
        _gate!.Close();
        _upstream.End();
        Assert.Empty(_upstream.Left.Select(each => Reading.Shown(each.Bytes)));
        Assert.Empty(_upstream.Complaints);
    }
}
