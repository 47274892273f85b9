using System.Globalization;
using System.Text.Json;

namespace FastGate.EndToEnd;

/// <summary>What most tests send, and what most of them ask of an answer or of the log.</summary>
internal static class Expect
{
    public const string Get = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
    public const string Ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

    /// <summary>The next answer is the gate's own and says why.</summary>
    public static void Problem(this Wire client, int status, string reason) => client.Problem(status, reason, out _);

    /// <inheritdoc cref="Problem(Wire, int, string)"/>
    public static void Problem(this Wire client, int status, string reason, out string head)
    {
        (head, string body) = client.ReadMessage();
        Assert.StartsWith($"HTTP/1.1 {status} ", head, StringComparison.Ordinal);
        Assert.Contains($"\r\nProxy-Status: fastgate; error={reason}\r\n", head, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/problem+json\r\n", head, StringComparison.Ordinal);
        Assert.Contains($"\"status\":{status},\"reason\":\"{reason}\"", body, StringComparison.Ordinal);
    }

    /// <summary>The next answer is an upstream's <see cref="Ok"/>.</summary>
    public static void Fine(this Wire client)
    {
        (string head, string body) = client.ReadMessage();
        Assert.StartsWith("HTTP/1.1 200 OK\r\n", head, StringComparison.Ordinal);
        Assert.Equal("ok", body);
    }

    /// <summary>One request and its answer over the upstream's next connection.</summary>
    /// <returns>That connection, which idles in the pool now.</returns>
    public static Wire Exchange(Wire client, HandUpstream upstream)
    {
        client.Send(Get);
        Wire connection = upstream.Accept();
        connection.ReadHead();
        connection.Send(Ok);
        client.Fine();
        return connection;
    }

    /// <summary>The answer that began breaks off in a reset, which no client takes for its end.</summary>
    public static void Cut(this Wire client, string rest = "")
    {
        Assert.Equal(rest, client.ReadToEnd(out bool reset));
        Assert.True(reset, "it ended as if that were all");
    }

    /// <summary>Waits for the end of that many exchanges, ends the gate, and compares what it logged of them: status
    /// and reason, in any order of their ends.</summary>
    public static void Logs(this GateOnLoopback gate, params string[] statusAndReason)
    {
        gate.AwaitExchanges(statusAndReason.Length);
        string[] seen = [.. gate.Close().Select(Summary)];
        Assert.Equal(statusAndReason.Order(StringComparer.Ordinal), seen.Order(StringComparer.Ordinal));
    }

    public static void AwaitExchanges(this GateOnLoopback gate, int count) => Await(
        () => gate.Gate.Stats.Sum().Requests >= count, $"fewer than {count} exchanges ended");

    public static void Await(Func<bool> condition, string complaint) =>
        Assert.True(SpinWait.SpinUntil(condition, Wire.BoundMs), complaint);

    private static string Summary(string line)
    {
        using JsonDocument document = JsonDocument.Parse(line);
        string status = document.RootElement.GetProperty("http.response.status_code").GetInt32()
            .ToString(CultureInfo.InvariantCulture);
        return document.RootElement.TryGetProperty("reason", out JsonElement reason)
            ? $"{status} {reason.GetString()}"
            : status;
    }
}
