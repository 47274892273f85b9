using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using FastGate.EndToEnd.Processes;

namespace FastGate.EndToEnd.Differential;

/// <summary>A client that others wrote.</summary>
internal abstract class AnswerReader : IDisposable
{
    /// <summary>What it reads of each answer: text that can be compared, or <see cref="Cut"/>.</summary>
    public abstract Task<string[]> ReadAsync(IReadOnlyList<(string Method, string Path)> asked);

    /// <summary>What it should read.</summary>
    public abstract string Expected(Reading answer);

    /// <summary>It cannot see that this answer was cut.</summary>
    public virtual bool IsBlindFor(CapturedAnswer answer) => false;

    public const string Cut = "cut";

    public abstract void Dispose();
}

/// <summary>The runtime's HttpClient.</summary>
internal sealed class HttpClientReader(int port) : AnswerReader
{
    private readonly HttpClient _client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        MaxConnectionsPerServer = 1,
        ResponseHeaderEncodingSelector = (_, _) => Encoding.Latin1,
    })
    {
        Timeout = TimeSpan.FromMilliseconds(Wire.BoundMs),
    };

    public override async Task<string[]> ReadAsync(IReadOnlyList<(string Method, string Path)> asked)
    {
        string[] read = new string[asked.Count];
        for (int i = 0; i < read.Length; i++)
        {
            using var request = new HttpRequestMessage(
                new HttpMethod(asked[i].Method), $"http://127.0.0.1:{port}{asked[i].Path}");
            try
            {
                using HttpResponseMessage answer = await _client.SendAsync(
                    request, HttpCompletionOption.ResponseHeadersRead, Soon.Token);
                string body = Encoding.Latin1.GetString(await answer.Content.ReadAsByteArrayAsync(Soon.Token));
                read[i] = new Reading($"{(int)answer.StatusCode} {answer.ReasonPhrase}",
                    [.. Pairs(answer.Headers.NonValidated), .. Pairs(answer.Content.Headers.NonValidated)], body,
                    [.. Pairs(answer.TrailingHeaders.NonValidated)]).ByName();
            }
            catch (Exception exception) when (exception is HttpRequestException or IOException)
            {
                read[i] = Cut;
            }
        }
        return read;
    }

    public override string Expected(Reading answer) => answer.ByName();

    public override void Dispose() => _client.Dispose();

    private static IEnumerable<string[]> Pairs(System.Net.Http.Headers.HttpHeadersNonValidated fields) =>
        fields.SelectMany(field => field.Value.Select(value => (string[])[field.Key, value]));
}

/// <summary>The client of Node, with its strict parser.</summary>
internal sealed class NodeAnswerReader(int port) : AnswerReader
{
    private readonly Process _process = Child.Start(
        NodeReader.Program!, NodeReader.Script, "fetch", port.ToString(CultureInfo.InvariantCulture));

    public override async Task<string[]> ReadAsync(IReadOnlyList<(string Method, string Path)> asked)
    {
        string[] read = new string[asked.Count];
        for (int i = 0; i < read.Length; i++)
        {
            await _process.StandardInput.WriteLineAsync($"{asked[i].Method} {asked[i].Path}");
            await _process.StandardInput.FlushAsync(Soon.Token);
            string line = await _process.StandardOutput.ReadLineAsync(Soon.Token)
                ?? throw new InvalidOperationException(await _process.StandardError.ReadToEndAsync(Soon.Token));
            read[i] = JsonDocument.Parse(line).RootElement.TryGetProperty("cut", out _)
                ? Cut
                : Reading.FromJson(line).InOrder();
        }
        return read;
    }

    public override string Expected(Reading answer) => answer.InOrder();

    /// <summary>Where a body ends with its connection it takes a reset for the end. Only answers to HTTP/1.0 have such
    /// bodies, and it never asks with that.</summary>
    public override bool IsBlindFor(CapturedAnswer answer) => answer is { IsOld: true, End: AnswerEnd.Cut };

    public override void Dispose() => Child.End(_process);
}

/// <summary>curl: status and body; one process for all.</summary>
internal sealed class CurlReader(int port) : AnswerReader
{
    public static string? Program => IndependentReader.Find("curl");

    public override async Task<string[]> ReadAsync(IReadOnlyList<(string Method, string Path)> asked)
    {
        using var scratch = new Scratch();
        var config = new StringBuilder();
        for (int i = 0; i < asked.Count; i++)
        {
            config.Append(CultureInfo.InvariantCulture, $"""
                {(i > 0 ? "next" : "")}
                silent
                http1.1
                max-time = {Wire.BoundMs / 1000}
                url = "http://127.0.0.1:{port}{asked[i].Path}"
                output = "{scratch.Path(i.ToString(CultureInfo.InvariantCulture))}"
                write-out = "%{"{exitcode}"} %{"{response_code}"}\n"
                {(asked[i].Method == "HEAD" ? "head" : "")}

                """);
        }
        scratch.Write("config", config.ToString());
        Process process = Child.Start(Program!, "--disable", "--config", scratch.Path("config"));
        try
        {
            string[] read = new string[asked.Count];
            for (int i = 0; i < read.Length; i++)
            {
                string[] words = (await process.StandardOutput.ReadLineAsync(Soon.Token)
                    ?? throw new InvalidOperationException(await process.StandardError.ReadToEndAsync(Soon.Token)))
                    .Split(' ');
                string output = scratch.Path(i.ToString(CultureInfo.InvariantCulture));
                string body = asked[i].Method == "HEAD" || !File.Exists(output)
                    ? ""
                    : Encoding.Latin1.GetString(await File.ReadAllBytesAsync(output, Soon.Token));
                read[i] = words[0] == "0" ? Text(words[1], body) : Cut;
            }
            return read;
        }
        finally
        {
            Child.End(process);
        }
    }

    public override string Expected(Reading answer) => Text($"{answer.Status}", answer.Body);

    public override void Dispose()
    {
    }

    private static string Text(string status, string body) => $"{status}\n{Reading.Shown(body)}";
}
