using System.Globalization;
using System.Text;

namespace FastGate.Bench.Load;

/// <summary>What the verbs <c>load</c> and <c>hold</c> are told on the command line.</summary>
internal sealed record LoadOptions
{
    public const string Usage =
        "PORT [--connections N] [--seconds S] [--warmup S] [--rate PER_SECOND] [--method M] [--path P | --paths FILE] "
        + "[--header 'N: V']... [--body BYTES] [--status 200] [--length BYTES] [--close] "
        + "[--slow READERS] [--slow-rate BYTES_PER_SECOND] [--slow-path P]";

    public required int Port { get; init; }

    /// <summary>Connections that take turns.</summary>
    public int Connections { get; init; } = 64;

    /// <summary>How long what is measured lasts.</summary>
    public double Seconds { get; init; } = 3;

    /// <summary>How long the same load runs before that without being measured.</summary>
    public double Warmup { get; init; } = 1;

    /// <summary>Requests per second over all connections; 0: each connection sends its next one at once.</summary>
    public double Rate { get; init; }

    public string Method { get; init; } = "GET";

    /// <summary>Asked for in turn.</summary>
    public IReadOnlyList<string> Paths { get; init; } = ["/"];

    public IReadOnlyList<string> Headers { get; init; } = [];

    /// <summary>Bytes of the body of each request; null for none.</summary>
    public int? Body { get; init; }

    /// <summary>The only status that is right.</summary>
    public int Status { get; init; } = 200;

    /// <summary>The only length of a body that is right; null for any.</summary>
    public long? Length { get; init; }

    /// <summary>A connection for each request.</summary>
    public bool Close { get; init; }

    /// <summary>Clients beside the load that read slowly.</summary>
    public int Slow { get; init; }

    public int SlowRate { get; init; } = 1024;

    public string SlowPath { get; init; } = "/big";

    /// <exception cref="FormatException">A number is none.</exception>
    /// <exception cref="ArgumentException">An option does not exist or has no value.</exception>
    public static LoadOptions Parse(string port, ReadOnlySpan<string> rest)
    {
        var options = new LoadOptions { Port = int.Parse(port, CultureInfo.InvariantCulture) };
        while (rest is [var name, ..])
        {
            if (name == "--close")
            {
                options = options with { Close = true };
                rest = rest[1..];
                continue;
            }
            if (rest.Length < 2)
            {
                throw new ArgumentException($"{name} needs a value");
            }
            options = options.With(name, rest[1]);
            rest = rest[2..];
        }
        return options;
    }

    /// <summary>The bytes of each request, by path.</summary>
    public IEnumerable<byte[]> Requests()
    {
        string fields = string.Concat(Headers.Select(static h => h + "\r\n"))
            + (Close ? "Connection: close\r\n" : "")
            + (Body is { } bytes ? $"Content-Length: {bytes}\r\n" : "");
        byte[] body = [.. Enumerable.Repeat((byte)'x', Body ?? 0)];
        foreach (string path in Paths)
        {
            yield return [
                .. Encoding.ASCII.GetBytes($"{Method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{Port}\r\n{fields}\r\n"),
                .. body];
        }
    }

    private LoadOptions With(string name, string value) => name switch
    {
        "--connections" => this with { Connections = Whole(value) },
        "--seconds" => this with { Seconds = Number(value) },
        "--warmup" => this with { Warmup = Number(value) },
        "--rate" => this with { Rate = Number(value) },
        "--method" => this with { Method = value },
        "--path" => this with { Paths = [value] },
        "--paths" => this with { Paths = File.ReadAllLines(value) },
        "--header" => this with { Headers = [.. Headers, value] },
        "--body" => this with { Body = Whole(value) },
        "--status" => this with { Status = Whole(value) },
        "--length" => this with { Length = Whole(value) },
        "--slow" => this with { Slow = Whole(value) },
        "--slow-rate" => this with { SlowRate = Whole(value) },
        "--slow-path" => this with { SlowPath = value },
        _ => throw new ArgumentException($"there is no option {name}"),
    };

    private static int Whole(string value) => int.Parse(value, CultureInfo.InvariantCulture);

    private static double Number(string value) => double.Parse(value, CultureInfo.InvariantCulture);
}
