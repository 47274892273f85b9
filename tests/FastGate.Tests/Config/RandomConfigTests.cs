using CsCheck;
using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

/// <summary>Whatever a file holds, reading it ends with a configuration or with problems that have a place.</summary>
public sealed class RandomConfigTests
{
    private const string Seed = """
        version = 1
        include = ["none-*.toml"]
        [server]
        workers = "auto"
        trusted_proxies = ["10.0.0.0/8", "::1/128"]
        [client]
        body_rate_min = "240B/s"
        headers_max = 0x64
        [defaults]
        timeout = { connect = "3s", total = "none" }
        retry = { retries = 2, on = ["reset", "503"], body_max = "1KiB", budget = "5%", budget_min = "30/m" }
        [[listener]]
        name = "web"
        bind = ":8080"
        [upstream.a]
        servers = ["10.0.0.1:80", { address = "${env:A}:80", weight = 2, backup = true }]
        balance = "hash"
        hash = ["ip/24/56", "path:id", "cookie:${env:A}"]
        slow_start = "30s"
        health = { path = "/h", status = ["200", "204-299"], body = "${env:A}", fall = 2 }
        eject = { consecutive = "none", ratio = "50%" }
        pool = { idle = "4s",
          queue_max = 1_0 }
        [[route]]
        name = 'a'
        match = ["/v1/*", "GET,POST x.example.com/v2/{id}"]
        when = { "header:X" = "1", "query:y" = ["2"], "cookie:z" = false }
        upstream = "a"
        request_headers.set."X-A" = "{client_ip} \u00e9"
        [route.response_headers]
        remove = ["X-B"]
        [[route]]
        name = "b"
        match = "/b"
        respond = { status = 200, body = '''
        x''' }
        """;

    private static readonly string[] Pieces =
    [
        "\"", "'", "\"\"\"", "'''", "[", "]", "[[", "]]", "{", "}", "=", ".", ",", "\n", "\r", "\r\n", "#",
        "${", "}", "\\", "\\u", "\0", "\uFEFF", "é", "😀", "1", "-", "0x", "1e9", "inf", "nan", "true", "1979-05-27",
        "[upstream]\n", "[[upstream]]\n",
        "[[upstream.a]]\n", "[route]\n", "[[route.when]]\n", "[route.match]\n", "upstream.b = 1\n",
        "route = []\n", "route = [1]\n",
        "listener = {}\n", "server.workers = 1\n", "\"\" = 1\n", "'a.b'.c = 2\n",
    ];

    [Fact]
    public void Mutations_of_a_configuration_never_throw()
    {
        var cut = Gen.Select(Gen.Int[0, Seed.Length], Gen.Int[0, 12], Gen.Int[-1, Pieces.Length - 1]);
        cut.Array[1, 4].Sample(cuts =>
        {
            var text = Seed;
            foreach (var (at, length, piece) in cuts)
            {
                var start = Math.Min(at, text.Length);
                text = text.Remove(start, Math.Min(length, text.Length - start))
                    .Insert(start, piece < 0 ? "" : Pieces[piece]);
            }
            Check(text);
        }, iter: 3000);
    }

    [Fact]
    public void Pieces_in_any_order_never_throw() =>
        Gen.Int[0, Pieces.Length - 1].Array[0, 12].Sample(
            order => Check(string.Concat(order.Select(i => Pieces[i]))), iter: 3000);

    /// <summary>The parser throws at this one.</summary>
    [Fact]
    public void A_file_that_ends_in_an_escape() =>
        Assert.Equal("""
            gate.toml:2:1: error: the file is not TOML up to its end
                2 | access = "json\
                  | ^^^^^^^^^^^^^^^ is a string or an escape left open?

            """, Configs.Print(Configs.Read("version = 1\naccess = \"json\\")));

    private static void Check(string text)
    {
        var reading = Configs.Read(text, static _ => "x");
        Assert.Equal(reading.Config is null, reading.HasErrors);
        Assert.All(reading.Problems, p => Assert.NotEmpty(p.Sentence));
        var lines = text.Split('\n').Length;
        Assert.All(reading.Problems, p => Assert.InRange(p.Origin.Line, 0, lines));
        Configs.Print(reading);
    }
}
