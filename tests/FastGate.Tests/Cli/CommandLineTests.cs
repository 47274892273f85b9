using System.Text.Json;
using FastGate.Cli;
using FastGate.Tests.Config;

namespace FastGate.Tests.Cli;

public sealed class CommandLineTests : IDisposable
{
    private readonly Folder _folder = new();
    private readonly StringWriter _out = new();
    private readonly StringWriter _error = new();

    public void Dispose() => _folder.Dispose();

    private string Out => _folder.Relative(_out.ToString());

    private string Error => _folder.Relative(_error.ToString());

    private int Run(params string[] args) =>
        CommandLine.Run(args, new Terminal(_out, _error) { Environment = static _ => null });

    private string File(string text)
    {
        _folder.Write("gate.toml", text);
        return _folder.Path("gate.toml");
    }

    [Fact]
    public void Check_of_a_good_file()
    {
        Assert.Equal(0, Run("check", "-c", File(Configs.Smallest)));
        Assert.Equal("gate.toml: ok (1 listener, 1 route, 0 upstreams)\n", Out);
        Assert.Equal("", Error);
    }

    [Fact]
    public void Check_of_a_wrong_file()
    {
        Assert.Equal(1, Run("check", "-c", File(Configs.Smallest + "order = \"1\"\n")));
        Assert.Equal("", Out);
        Assert.Equal("""
            gate.toml:9:9: error: 'order' must be a whole number, not a string
                9 | order = "1"
                  |         ^^^ write 1 without quotes

            """, Error);
    }

    [Fact]
    public void Check_offline_warns_of_missing_secrets()
    {
        var file = File(Configs.Smallest + "[admin]\ntoken = \"${env:T}\"\n");
        Assert.Equal(1, Run("check", "-c", file));
        Assert.Equal(0, Run("check", "--offline", "-c", file));
        Assert.Equal("gate.toml: ok (1 listener, 1 route, 0 upstreams)\n", Out);
        Assert.Contains("warning: the environment variable T is not set", Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Check_json_is_one_document()
    {
        Assert.Equal(1, Run("check", "--json", "-c", File(Configs.Smallest + "ordre = 1\n")));
        Assert.Equal("", Error);
        using var json = JsonDocument.Parse(Out);
        var root = json.RootElement;
        Assert.Equal("gate.toml", root.GetProperty("file").GetString());
        Assert.False(root.GetProperty("ok").GetBoolean());
        Assert.Equal(1, root.GetProperty("routes").GetInt32());
        var problem = Assert.Single(root.GetProperty("problems").EnumerateArray());
        Assert.Equal("gate.toml", problem.GetProperty("file").GetString());
        Assert.Equal((9, 1, 5), (problem.GetProperty("line").GetInt32(), problem.GetProperty("column").GetInt32(),
            problem.GetProperty("length").GetInt32()));
        Assert.Equal("error", problem.GetProperty("severity").GetString());
        Assert.Equal("unknown key 'ordre' in [[route]] 'all'", problem.GetProperty("sentence").GetString());
        Assert.Equal("did you mean 'order'?", problem.GetProperty("hint").GetString());
    }

    [Fact]
    public void Check_json_of_a_good_file()
    {
        Assert.Equal(0, Run("check", "--json", "--config", File(Configs.Smallest)));
        using var json = JsonDocument.Parse(Out);
        Assert.True(json.RootElement.GetProperty("ok").GetBoolean());
        Assert.Empty(json.RootElement.GetProperty("problems").EnumerateArray());
    }

    [Fact]
    public void Check_of_a_file_that_is_not_there()
    {
        Assert.Equal(1, Run("check", "-c", _folder.Path("other.toml")));
        Assert.Equal("other.toml: error: the file does not exist\n", Error);
    }

    [Theory]
    [InlineData("check")]
    [InlineData("run")]
    [InlineData(null)]
    public void Without_a_file_the_message_says_what_to_do(string? verb)
    {
        Assert.False(System.IO.File.Exists("gate.toml"), "the tests run in a directory without a gate.toml");
        Assert.Equal(1, verb is null ? Run() : Run(verb));
        Assert.Equal("""
            fastgate: there is no gate.toml in this directory; name a file with -c, or run a proxy without one:
              fastgate run --listen :8080 --to http://127.0.0.1:9000

            """, Error);
    }

    [Fact]
    public void Run_of_a_wrong_file_prints_the_problems()
    {
        Assert.Equal(1, Run("run", "-c", File("version = 2\n")));
        Assert.Equal(1, Run("-c", File("version = 2\n")));
        Assert.StartsWith("gate.toml: error: there is no [[listener]]\n", Error, StringComparison.Ordinal);
        Assert.Contains("gate.toml:1:11: error: version 2 is not known\n", Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("reload", "'reload' is not available yet")]
    [InlineData("init", "'init' is not available yet")]
    [InlineData("frobnicate", "there is no verb 'frobnicate'")]
    [InlineData("check --frob", "Unrecognized command or argument '--frob'")]
    [InlineData("check extra", "Unrecognized command or argument 'extra'")]
    [InlineData("check -c", "Required argument missing for option: '-c'")]
    [InlineData("-c x.toml check", "Unrecognized command or argument 'check'")]
    [InlineData("--version", "Unrecognized command or argument '--version'")]
    [InlineData("@args", "there is no verb '@args'")]
    [InlineData("stats --admin 9901", "--admin: the address has no host; write \"127.0.0.1:9901\"")]
    [InlineData("stats --admin https://a", "--admin: an address has no scheme; write \"a:80\"")]
    [InlineData("stats --admin demo:", "--admin: 'demo:' is no address")]
    [InlineData("run --listen :8080", "--listen and --to go together")]
    [InlineData("--to http://127.0.0.1:9000", "--listen and --to go together")]
    [InlineData("run -c x --listen :8080 --to a:1", "--listen and --to run a proxy without a file, -c one with a file")]
    [InlineData("run --listen 8080 --to a:1", "--listen: the address has no host; write \"127.0.0.1:8080\"")]
    [InlineData("run --listen :8080 --to https://a", "--to: https is not available yet; write http://HOST:PORT")]
    [InlineData("run --listen :8080 --to http://a/b",
        "--to: 'http://a/b' is more than a scheme, a host and a port; requests keep their own path")]
    [InlineData("run --listen :8080 --to http://u@a",
        "--to: 'http://u@a' is more than a scheme, a host and a port; requests keep their own path")]
    [InlineData("run --listen :8080 --to ftp://a", "--to: an address has no scheme; write \"a:80\"")]
    [InlineData("run --listen :9901 --to a:1", ":9901 is the admin address; take another port")]
    [InlineData("run --listen :8080 --to localhost:9901",
        "localhost:9901 is the admin address; clients would reach what only operators may")]
    [InlineData("run --listen :8080 --to http://127.0.0.1:8080",
        "127.0.0.1:8080 is where the proxy itself listens; requests would go round in circles")]
    public void Wrong_usage(string args, string says)
    {
        Assert.Equal(2, Run(args.Split(' ')));
        Assert.Equal("", Out);
        Assert.Equal($"fastgate: {says}", Error.Split('\n')[0]);
        Assert.Contains("usage: fastgate [run] [-c FILE]", Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Version_is_one_line()
    {
        Assert.Equal(0, Run("version"));
        Assert.Matches("^fastgate 0\\.1\\.0 \\(\\.NET 10\\.[^\n]+\\)\n$", Out);
    }

    [Theory]
    [InlineData("--help")]
    [InlineData("-h")]
    public void Help_is_a_result(string option)
    {
        Assert.Equal(0, Run(option));
        Assert.Contains("check", Out, StringComparison.Ordinal);
        Assert.Equal("", Error);
    }

    [Fact]
    public void Colour_only_where_somebody_sees_it()
    {
        var file = File("version = 2\n");
        CommandLine.Run(["check", "-c", file], new Terminal(_out, _error) { HasColour = true });
        Assert.Contains("\e[", Error, StringComparison.Ordinal);
    }
}
