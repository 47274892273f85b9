using System.Text.RegularExpressions;
using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

public sealed partial class PlaceholderTests
{
    private const string Secret = "S3CR3T";

    private static string Body(string text, Func<string, string?> environment) =>
        Configs.Valid(
            Configs.Smallest.Replace("respond = {}", $"respond = {{ body = {text} }}", StringComparison.Ordinal),
            environment).Gate.Routes[0].Respond!.Body.Value;

    [Theory]
    [InlineData("\"${env:A}\"", "1")]
    [InlineData("\"a ${env:A}${env:B} b\"", "a 12 b")]
    [InlineData("\"$${env:A}\"", "${env:A}")]
    [InlineData("\"$$${env:A}\"", "$${env:A}")]
    [InlineData("\"$ $$ {env:A} }\"", "$ $$ {env:A} }")]
    [InlineData("\"$${\"", "${")]
    [InlineData("\"${env:INNER}\"", "${env:A}")]
    [InlineData("'${env:A}'", "1")]
    [InlineData("\"\"\"\n${env:A}\n\"\"\"", "1\n")]
    [InlineData("\"\\u0024{env:A}\"", "1")]
    [InlineData("\"${env:EMPTY}\"", "")]
    public void Values_come_in(string text, string expected) =>
        Assert.Equal(expected, Body(text, static name => name switch
        {
            "A" => "1",
            "B" => "2",
            "INNER" => "${env:A}",
            "EMPTY" => "",
            _ => null,
        }));

    /// <summary>Braces of a value mean nothing to the template around it.</summary>
    [Fact]
    public void Braces_come_in_as_braces()
    {
        var route = Configs.Valid("""
            version = 1
            [[listener]]
            name = "web"
            bind = ":8080"
            [upstream.a]
            servers = ["demo:"]
            [[route]]
            name = "a"
            match = "/a"
            upstream = "a"
            request_headers = { set = { Authorization = "Basic ${env:A} {client_ip}" } }
            [[route]]
            name = "b"
            match = "/b"
            respond = { headers = { "X-A" = "${env:A}" } }
            """, static _ => "p{id}}w").Gate.Routes;
        Assert.Equal("Basic p{{id}}}}w {client_ip}", route[0].RequestHeaders.Set[0].Value.Value);
        Assert.Equal("p{id}}w", route[1].Respond!.Headers[0].Value.Value);
    }

    [Theory]
    [InlineData("s3cret\n", "s3cret")]
    [InlineData("s3cret\r\n", "s3cret")]
    [InlineData("s3cret", "s3cret")]
    [InlineData("two\nlines\n\n", "two\nlines\n")]
    [InlineData("", "")]
    public void A_file_is_a_value_without_its_last_line_end(string content, string expected)
    {
        using var folder = new Folder();
        folder.Write("secrets/token", content);
        folder.Write("gate.toml", Configs.Smallest.Replace("respond = {}",
            "respond = { body = \"${file:secrets/token}\" }", StringComparison.Ordinal));
        var reading = GateFile.Read(folder.Path("gate.toml"), new Surroundings());
        Assert.Equal("", Configs.Print(reading));
        Assert.Equal(expected, reading.Config!.Gate.Routes[0].Respond!.Body.Value);
    }

    [Theory]
    [InlineData("big", "is larger than 64KiB")]
    [InlineData("folder", "is a directory")]
    [InlineData("latin1", "is not UTF-8")]
    [InlineData("missing", "does not exist")]
    public void A_file_that_cannot_be_a_value(string name, string says)
    {
        using var folder = new Folder();
        folder.Write("big", new string('x', Placeholders.FileBytesMax + 1));
        folder.Write("folder/x", "");
        folder.WriteBytes("latin1", [0x61, 0xE9]);
        folder.Write("gate.toml", Configs.Smallest + $"[admin]\ntoken = \"${{file:{name}}}\"\n");
        var reading = GateFile.Read(folder.Path("gate.toml"), new Surroundings());
        Assert.Equal($"the file '{name}' {says}", Assert.Single(reading.Problems).Sentence);
    }

    /// <summary>Puts a placeholder in the place of every string of a large configuration, one after the other, with
    /// values that are wrong in different ways, and looks for them in everything that is printed.</summary>
    [Fact]
    public void A_value_is_never_printed()
    {
        const string toml = """
            version = 1
            include = ["none-*.toml"]
            [server]
            workers = "auto"
            transport = "auto"
            drain = "25s"
            memory_max = "1GiB"
            trusted_proxies = ["10.0.0.0/8"]
            [admin]
            listen = "127.0.0.1:9901"
            token = "abc"
            hosts = ["gate"]
            [log]
            access = "json"
            to = "stdout"
            level = "info"
            [client]
            body_rate_min = "240B/s"
            path = "normalize"
            [defaults]
            timeout = { connect = "3s" }
            [[listener]]
            name = "web"
            bind = ":8080"
            [upstream.a]
            servers = ["10.0.0.1:80", { address = "10.0.0.2:80" }]
            balance = "least"
            pool = { idle = "4s" }
            [[route]]
            name = "a"
            match = ["/v1/*", "GET /v2"]
            when = { "header:X" = "1", "query:y" = ["2"] }
            upstream = "a"
            listener = ["web"]
            strip_prefix = "/v1"
            host = "client"
            request_headers = { set = { X-A = "{client_ip}" }, remove = ["X-B"] }
            body_bytes_max = "1MiB"
            [[route]]
            name = "b"
            match = "/b"
            respond = { body = "x", headers = { X-A = "1" } }
            [[route]]
            name = "c"
            match = "/c"
            redirect = { to = "/d" }
            """;
        string[] values =
        [
            Secret, $"{Secret}\r\nX: 1", $"/{Secret}/{{", $"{Secret}:80", $"http://{Secret}", $"unix:{Secret}",
            $"{Secret}/8", $"9{Secret}", $"/{Secret}/*", $"/{Secret} {{x}}", $"srv:{Secret}", $"GET,{Secret} /x", "",
        ];
        var problems = 0;
        foreach (Match match in AnyString().Matches(toml))
        {
            foreach (var value in values)
            {
                var changed = toml[..match.Index] + "\"${env:X}\"" + toml[(match.Index + match.Length)..];
                var reading = Configs.Read(changed, _ => value);
                problems += reading.Problems.Count;
                Assert.DoesNotContain(Secret, Configs.Print(reading), StringComparison.OrdinalIgnoreCase);
                foreach (var problem in reading.Problems)
                    Assert.DoesNotContain(Secret, problem.ToString(), StringComparison.OrdinalIgnoreCase);
            }
        }
        Assert.True(problems > 200, $"only {problems} problems: the test looks at too little");
    }

    [Fact]
    public void A_value_is_not_in_what_an_option_says_of_itself()
    {
        var config = Configs.Valid(Configs.Smallest + "[admin]\ntoken = \"${env:X}\"\n", static _ => Secret);
        Assert.Equal(Secret, config.Admin.Token!.Value);
        Assert.DoesNotContain(Secret, config.ToString(), StringComparison.Ordinal);
        Assert.Contains("${env:X}", config.ToString(), StringComparison.Ordinal);
    }

    /// <summary>A token that was written into the file all the same.</summary>
    [Fact]
    public void A_token_in_the_file_is_not_in_what_an_option_says_of_itself()
    {
        var config = Configs.Valid(Configs.Smallest + $"[admin]\ntoken = \"{Secret}\"\n");
        Assert.Equal(Secret, config.Admin.Token!.Value);
        Assert.DoesNotContain(Secret, config.ToString(), StringComparison.Ordinal);
    }

    [GeneratedRegex("(?<== .*)\"[^\"]*\"(?! =)")]
    private static partial Regex AnyString();
}
