using FastGate.Tests.Http;

namespace FastGate.EndToEnd.Differential;

/// <summary>Whatever an upstream answers, what the client gets has one reading, which clients of others share, or it is
/// cut so that all of them see it; and behind it comes the next answer, not what stood behind the last.</summary>
public sealed class AnswerDifferentialTests : IDisposable
{
    /// <summary>Answers per reader in the usual run.</summary>
    private const int Usual = 1000;

    private readonly MisbehavingUpstream _upstream = new();
    private readonly GateOnLoopback _gate;
    private readonly AnswerReplay _replay = new();

    public AnswerDifferentialTests() => _gate = new GateOnLoopback(GateOnLoopback.To(_upstream.Address, rest: $"""
        [client]
        head_bytes_max = "{MessageCases.Limits.HeadBytesMax}B"
        headers_max = {MessageCases.Limits.HeadersMax}
        """));

    public void Dispose()
    {
        _gate.Dispose();
        _upstream.Dispose();
        _replay.Dispose();
    }

    [Fact]
    public Task HttpClient_reads_what_is_passed_on_as_it_is_meant() =>
        CompareAsync(new HttpClientReader(_replay.Port), 11);

    [Fact]
    public Task Node_reads_what_is_passed_on_as_it_is_meant()
    {
        Assert.SkipUnless(NodeReader.Program is not null, "there is no node to compare with");
        return CompareAsync(new NodeAnswerReader(_replay.Port), 12);
    }

    [Fact]
    public Task Curl_reads_what_is_passed_on_as_it_is_meant()
    {
        Assert.SkipUnless(CurlReader.Program is not null, "there is no curl to compare with");
        return CompareAsync(new CurlReader(_replay.Port), 13);
    }

    /// <summary>A read that fills its buffer to the last byte does not say whether more is there.</summary>
    [Fact]
    public void What_stands_behind_an_answer_that_fills_a_buffer_reaches_nobody()
    {
        var pass = new AnswerPass(_gate, _upstream);
        foreach (AnswerInput input in AnswerInputs.AroundBuffers())
        {
            Assert.Equal(200, pass.Send(input).Reading!.Status);
        }
        AssertNothingMore();
    }

    private async Task CompareAsync(AnswerReader reader, uint stream)
    {
        using AnswerReader _ = reader;
        var pass = new AnswerPass(_gate, _upstream);
        await AssertReadAlikeAsync(reader, [.. AnswerInputs.Known.Select(pass.Send)]);
        long passed = 0;
        long cut = 0;
        foreach (AnswerInput[] batch in Rounds.Of(AnswerInputs.Mutated, Usual, stream))
        {
            CapturedAnswer[] answers = [.. batch.Select(pass.Send)];
            await AssertReadAlikeAsync(reader, answers);
            passed += answers.Count(answer => answer.Reading?.Has("Proxy-Status") == false);
            cut += answers.Count(answer => answer.Reading is null);
        }
        Rounds.Say($"{passed} answers were passed on, {cut} cut");
        AssertNothingMore();
    }

    private async Task AssertReadAlikeAsync(AnswerReader reader, CapturedAnswer[] answers)
    {
        answers = [.. answers.Where(answer => !reader.IsBlindFor(answer))];
        string[] read = await reader.ReadAsync([.. answers.Select(answer => (answer.Method, _replay.Add(answer)))]);
        for (int i = 0; i < answers.Length; i++)
        {
            string expected = answers[i].Reading is { } reading ? reader.Expected(reading) : AnswerReader.Cut;
            StrictReader.Demand(expected == read[i], $"{expected}\nwas read as\n{read[i]}\n", answers[i].Bytes);
        }
        _replay.Clear();
    }

    private void AssertNothingMore()
    {
        _gate.Close();
        _upstream.End();
        Assert.Empty(_upstream.Complaints);
    }
}
