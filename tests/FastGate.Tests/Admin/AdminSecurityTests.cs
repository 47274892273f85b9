using System.Net;
using FastGate.Gateway.Admin;
using FastGate.Gateway.Proxy;
using FastGate.Tests.Proxy;

namespace FastGate.Tests.Admin;

/// <summary>Who gets what of the admin address, and how it says no.</summary>
public sealed class AdminSecurityTests
{
    private const string Token = "s3cr3t-T0ken.~+/=";

    private static readonly AdminOptions s_loopback = new();
    private static readonly AdminOptions s_token = new() { Token = Token };
    private static readonly AdminOptions s_network = new() { Listen = BindAddress.OfIp(IPAddress.Any, 9901) };

    /// <summary>With no /stats behind it, what may be asked for is 404.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("Authorization: Bearer anything\r\n")]
    public void On_loopback_without_a_token_everybody_may(string fields)
    {
        using var admin = new AdminInMemory(s_loopback);
        AssertProblem(404, "no_route", admin.Ask(Get("/other", fields)));
        Assert.False(admin.Site.IsClosed);
        Assert.Empty(admin.TakeLog());
    }

    [Theory]
    [InlineData("/healthz")]
    [InlineData("/readyz")]
    public void Probes_never_need_a_token(string path)
    {
        foreach (AdminOptions options in (ReadOnlySpan<AdminOptions>)[s_loopback, s_token, s_network])
        {
            using var admin = new AdminInMemory(options);
            admin.Site.Readiness = Readiness.Ready;
            Assert.StartsWith("HTTP/1.1 200 OK\r\n", admin.Ask(Get(path)), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("/stats")]
    [InlineData("/other")]
    [InlineData("/healthz/")]
    [InlineData("/")]
    public void Whatever_else_there_is_or_is_not_needs_the_token(string path)
    {
        using var admin = new AdminInMemory(s_token);
        string answer = admin.Ask(Get(path));
        AssertProblem(401, "unauthenticated", answer);
        Assert.Contains("\r\nWWW-Authenticate: Bearer realm=\"fastgate admin\"\r\n", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("Connection: close", answer, StringComparison.Ordinal);
        AssertProblem(404, "no_route", admin.Ask(Get(path, $"Authorization: Bearer {Token}\r\n")));
    }

    [Theory]
    [InlineData($"Bearer {Token}")]
    [InlineData($"bearer {Token}")]
    [InlineData($"BEARER   {Token}")]
    public void The_token_is_accepted_as_a_bearer_token(string value)
    {
        using var admin = new AdminInMemory(s_token);
        AssertProblem(404, "no_route", admin.Ask(Get("/other", $"Authorization: {value}\r\n")));
    }

    [Theory]
    [InlineData("Bearer")]
    [InlineData("Bearer x")]
    [InlineData($"Bearer {Token}x")]
    [InlineData("Bearer s3cr3t-T0ken.~+/")]
    [InlineData("Bearer S3CR3T-T0KEN.~+/=")]
    [InlineData($"Bearer {Token} {Token}")]
    [InlineData($"Basic {Token}")]
    [InlineData(Token)]
    public void A_wrong_token_waits_a_second_and_ends_its_connection(string value)
    {
        using var admin = new AdminInMemory(s_token);
        Peer client = admin.Connect();
        client.Send(Get("/stats", $"Authorization: {value}\r\n") + Get("/healthz"));
        admin.Advance(AdminLimits.WrongTokenMs - 1);
        Assert.Equal("", client.Received);
        admin.Advance(1);
        AssertProblem(401, "unauthenticated", client.Received);
        Assert.Contains("\r\nConnection: close\r\n", client.Received, StringComparison.Ordinal);
        Assert.DoesNotContain("200", client.Received, StringComparison.Ordinal);
        Assert.True(client.Ended);
        string line = Assert.Single(admin.TakeLog());
        Assert.Contains("warn a wrong token at the admin address", line, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, line, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Whoever_tries_tokens_keeps_nobody_else_waiting_and_is_logged_once()
    {
        using var admin = new AdminInMemory(s_token);
        Peer[] guessers = [.. Enumerable.Range(0, AdminLimits.ConnectionsMax - 1).Select(_ => admin.Connect())];
        foreach (Peer guesser in guessers)
        {
            guesser.Send(Get("/stats", "Authorization: Bearer guess\r\n"));
        }
        AssertProblem(404, "no_route", admin.Ask(Get("/other", $"Authorization: Bearer {Token}\r\n")));
        Assert.All(guessers, guesser => Assert.Equal("", guesser.Received));
        Assert.Single(admin.TakeLog());
    }

    [Fact]
    public void A_guesser_that_ends_its_half_gets_its_answer_no_sooner()
    {
        using var admin = new AdminInMemory(s_token);
        Peer client = admin.Connect();
        client.Send(Get("/stats", "Authorization: Bearer guess\r\n"));
        client.End();
        admin.Advance(AdminLimits.WrongTokenMs - 1);
        Assert.Equal("", client.Received);
        admin.Advance(1);
        AssertProblem(401, "unauthenticated", client.Received);
    }

    [Fact]
    public void Two_tokens_are_no_token()
    {
        using var admin = new AdminInMemory(s_token);
        string answer = admin.Ask(Get("/other", $"Authorization: Bearer {Token}\r\nAuthorization: Bearer x\r\n"));
        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/stats", "")]
    [InlineData("/other", "Authorization: Bearer x\r\n")]
    public void Beyond_loopback_without_a_token_there_are_the_probes_only(string path, string fields)
    {
        using var admin = new AdminInMemory(s_network);
        Assert.True(admin.Site.IsClosed);
        Assert.Contains("warn the admin address is bound beyond loopback without a token: only /healthz and /readyz are"
            + " served", Assert.Single(admin.TakeLog()), StringComparison.Ordinal);
        string answer = admin.Ask(Get(path, fields));
        AssertProblem(403, "denied", answer);
        Assert.Contains("\"detail\":\"bound beyond loopback without a token", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Beyond_loopback_with_a_token_it_is_the_token_that_counts()
    {
        using var admin = new AdminInMemory(s_network with { Token = Token });
        Assert.False(admin.Site.IsClosed);
        Assert.Empty(admin.TakeLog());
        AssertProblem(401, "unauthenticated", admin.Ask(Get("/stats")));
        AssertProblem(404, "no_route", admin.Ask(Get("/other", $"Authorization: Bearer {Token}\r\n")));
    }

    /// <summary>Even for the probes, and whatever token comes along: a browser could be made to send it.</summary>
    [Theory]
    [InlineData("evil.example", "")]
    [InlineData("evil.example:9901", "")]
    [InlineData("localhost.evil.example", "")]
    [InlineData("localhost", "Origin: http://evil.example\r\n")]
    [InlineData("localhost:9901", "Origin: http://localhost:3000\r\n")]
    [InlineData("localhost", "Origin: null\r\n")]
    public void A_foreign_host_or_origin_is_refused(string host, string fields)
    {
        using var admin = new AdminInMemory(s_token);
        foreach (string path in (ReadOnlySpan<string>)["/healthz", "/stats", "/other"])
        {
            AssertProblem(403, "denied",
                admin.Ask($"GET {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {Token}\r\n{fields}\r\n"));
        }
    }

    [Theory]
    [InlineData("localhost", "Origin: http://localhost\r\n")]
    [InlineData("LOCALHOST:1", "")]
    [InlineData("gate.example.com", "")]
    [InlineData("10.0.0.1:9901", "Origin: https://10.0.0.1:9901\r\n")]
    public void Its_own_hosts_are_accepted(string host, string fields)
    {
        using var admin = new AdminInMemory(s_loopback with { Hosts = ["gate.example.com", "10.0.0.1:9901"] });
        Assert.StartsWith("HTTP/1.1 200 ", admin.Ask($"GET /healthz HTTP/1.1\r\nHost: {host}\r\n{fields}\r\n"),
            StringComparison.Ordinal);
    }

    /// <summary>Which methods a page knows is told to those who may have it.</summary>
    [Fact]
    public void A_method_is_looked_at_last()
    {
        using var admin = new AdminInMemory(s_token);
        AssertProblem(401, "unauthenticated", admin.Ask("POST /healthz/x HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        string answer = admin.Ask("DELETE /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        AssertProblem(405, "method_not_allowed", answer);
        Assert.Contains("\r\nAllow: GET, HEAD\r\n", answer, StringComparison.Ordinal);
    }

    internal static string Get(string path, string fields = "") =>
        $"GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n";

    private static void AssertProblem(int status, string reason, string answer)
    {
        Assert.StartsWith($"HTTP/1.1 {status} ", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nContent-Type: application/problem+json\r\n", answer, StringComparison.Ordinal);
        Assert.Contains("\r\nCache-Control: no-store\r\n", answer, StringComparison.Ordinal);
        Assert.Contains($"\"status\":{status},\"reason\":\"{reason}\"", answer, StringComparison.Ordinal);
        Assert.DoesNotContain(Token, answer, StringComparison.OrdinalIgnoreCase);
    }
}
