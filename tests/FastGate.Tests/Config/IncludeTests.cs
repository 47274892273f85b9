using FastGate.Gateway.Config;

namespace FastGate.Tests.Config;

public sealed class IncludeTests : IDisposable
{
    private const string Upstream = "[upstream.a]\nservers = [\"demo:\"]\n";

    private readonly Folder _folder = new();

    public void Dispose() => _folder.Dispose();

    private Reading Read(string include, string rest = "")
    {
        _folder.Write("gate.toml", $"""
            version = 1
            include = {include}
            [[listener]]
            name = "web"
            bind = ":8080"
            {rest}
            """);
        return GateFile.Read(_folder.Path("gate.toml"), new Surroundings());
    }

    private string Printed(Reading reading) => _folder.Relative(Configs.Print(reading));

    private static string Route(string name, string upstream = "a") =>
        $"[[route]]\nname = \"{name}\"\nmatch = \"/{name}\"\nupstream = \"{upstream}\"\n";

    [Fact]
    public void Files_are_read_sorted_and_names_are_global()
    {
        _folder.Write("conf.d/20-b.toml", Route("b"));
        _folder.Write("conf.d/10-a.toml", Route("a"));
        _folder.Write("conf.d/README.md", "no TOML");
        _folder.Write("conf.d/.hidden.toml", "= no TOML either");
        _folder.Write("upstreams.toml", Upstream);
        var reading = Read("[\"conf.d/*.toml\", \"upstreams.toml\"]", Route("main"));
        Assert.Equal("", Printed(reading));
        Assert.Equal(["main", "a", "b"], reading.Config!.Gate.Routes.Select(r => r.Name));
        Assert.Equal("a", Assert.Single(reading.Config.Gate.Upstreams).Name);
    }

    [Fact]
    public void Patterns_match_in_directories_too()
    {
        _folder.Write("teams/a/gate.toml", Route("a"));
        _folder.Write("teams/b/gate.toml", Route("b") + Upstream);
        _folder.Write("teams/b/deep/gate.toml", "no");
        var reading = Read("[\"teams/?/*.toml\"]");
        Assert.Equal("", Printed(reading));
        Assert.Equal(["a", "b"], reading.Config!.Gate.Routes.Select(r => r.Name));
    }

    [Fact]
    public void A_file_that_two_patterns_match_is_read_once_and_the_main_file_not_again()
    {
        _folder.Write("x.toml", Route("x") + Upstream);
        Assert.Equal("", Printed(Read("[\"*.toml\", \"x.toml\"]")));
    }

    [Fact]
    public void A_pattern_may_match_nothing() =>
        Assert.Equal("", Printed(Read("[\"none/*.toml\", \"*.none\"]", Upstream + Route("a"))));

    [Fact]
    public void A_route_may_come_from_an_included_file_only()
    {
        _folder.Write("a.toml", Route("a") + Upstream);
        Assert.Equal("", Printed(Read("[\"a.toml\"]")));
    }

    [Fact]
    public void A_file_that_is_named_must_be_there() =>
        Assert.Equal("""
            gate.toml:2:12: error: the file 'a.toml' does not exist
                2 | include = ["a.toml", "gate.toml", "", "${env:X}"]
                  |            ^^^^^^^^
            gate.toml:2:22: error: the file includes itself
                2 | include = ["a.toml", "gate.toml", "", "${env:X}"]
                  |                      ^^^^^^^^^^^
            gate.toml:2:35: error: 'include' holds no path here
                2 | include = ["a.toml", "gate.toml", "", "${env:X}"]
                  |                                   ^^ write "conf.d/*.toml"
            gate.toml:2:40: error: the environment variable X is not set
                2 | include = ["a.toml", "gate.toml", "", "${env:X}"]
                  |                                        ^^^^^^^^ set it, or check with --offline

            """,
            Printed(Read("[\"a.toml\", \"gate.toml\", \"\", \"${env:X}\"]", Upstream + Route("a"))));

    [Fact]
    public void Problems_name_the_file_in_which_they_are_and_stand_in_its_order()
    {
        _folder.Write("conf.d/a.toml", """
            version = 1
            include = ["b.toml"]
            [client]
            [sever]
            [limit.x]
            [upstream.a]
            servers = ["demo:"]
            [[route]]
            name = "a"
            match = "/a"
            upstream = "b"
            """);
        _folder.Write("conf.d/b.toml", "[upstream.a]\nservers = [\"demo\"]\n");
        Assert.Equal("""
            gate.toml: error: there is no [[listener]]
                  | write [[listener]] with a name and bind = ":8080"
            gate.toml:3:1: error: unknown key 'x' at the top level
                3 | x = 1
                  | ^ keys here: version, include, server, admin, log, listener, client, defaults, upstream, route
            conf.d/a.toml:1:1: error: 'version' may not stand in an included file
                1 | version = 1
                  | ^^^^^^^ it belongs to the main file
            conf.d/a.toml:2:1: error: 'include' may not stand in an included file
                2 | include = ["b.toml"]
                  | ^^^^^^^ include it in the main file
            conf.d/a.toml:3:2: error: 'client' may not stand in an included file
                3 | [client]
                  |  ^^^^^^ it belongs to the main file
            conf.d/a.toml:4:2: error: unknown key 'sever' in an included file
                4 | [sever]
                  |  ^^^^^ keys here: upstream, route
            conf.d/a.toml:5:2: error: 'limit' in an included file is not available yet
                5 | [limit.x]
                  |  ^^^^^ remove it
            conf.d/a.toml:11:12: error: there is no upstream 'b'
               11 | upstream = "b"
                  |            ^^^ there are: a
            conf.d/b.toml:1:11: error: upstream 'a' is defined twice
                1 | [upstream.a]
                  |           ^ first in conf.d/a.toml:6
            conf.d/b.toml:2:12: error: the address has no port
                2 | servers = ["demo"]
                  |            ^^^^^^ write "demo:80"

            """, Main("version = 1\ninclude = [\"conf.d/*.toml\"]\nx = 1\n"));
    }

    private string Main(string toml)
    {
        _folder.Write("gate.toml", toml);
        return _folder.Relative(Configs.Print(GateFile.Read(_folder.Path("gate.toml"), new Surroundings())));
    }

    [Fact]
    public void A_syntax_error_in_an_included_file_comes_alone()
    {
        _folder.Write("a.toml", "[[route]]\nname = 'a\n");
        Assert.Equal("""
            a.toml:2:10: error: invalid newline in a string
                2 | name = 'a
                  |          ^

            """, Main("version = 2\ninclude = [\"missing.toml\", \"a.toml\"]\nx = 1\n"));
    }

    [Fact]
    public void Values_of_an_included_file_are_relative_to_it()
    {
        _folder.Write("conf.d/secret", "value\n");
        _folder.Write("conf.d/a.toml",
            "[[route]]\nname = \"a\"\nmatch = \"/a\"\nrespond = { body = \"${file:secret}\" }\n");
        var reading = Read("[\"conf.d/a.toml\"]");
        Assert.Equal("", Printed(reading));
        Assert.Equal("value", reading.Config!.Gate.Routes[0].Respond!.Body.Value);
    }

    [Fact]
    public void The_number_of_files_is_bounded()
    {
        for (var i = 0; i <= Includes.FilesMax; i++)
            _folder.Write($"many/{i}.toml", "");
        Assert.Contains("more than 1000 files are included", Printed(Read("[\"many/*\"]")), StringComparison.Ordinal);
    }

    [Fact]
    public void The_log_is_relative_to_the_file()
    {
        _folder.Write("etc/gate.toml", Configs.Smallest + "[log]\nto = \"../log/access.log\"\n");
        var reading = GateFile.Read(_folder.Path("etc/gate.toml"), new Surroundings());
        Assert.Equal(_folder.Path("log/access.log"), reading.Config!.Gate.Log.To);
    }

    [Theory]
    [InlineData("missing.toml", "the file does not exist")]
    [InlineData("etc", "the file is a directory")]
    [InlineData("bytes.toml", "the file is not UTF-8")]
    public void A_file_that_cannot_be_read(string name, string says)
    {
        _folder.Write("etc/x", "");
        _folder.WriteBytes("bytes.toml", [0x61, 0xFF]);
        var reading = GateFile.Read(_folder.Path(name), new Surroundings());
        Assert.Null(reading.Config);
        Assert.Equal($"{name}: error: {says}\n", Printed(reading));
    }

    [Fact]
    public void A_byte_order_mark_does_not_count_as_a_column()
    {
        _folder.WriteBytes("bom.toml", [0xEF, 0xBB, 0xBF, .. "x = 1\n"u8]);
        var reading = GateFile.Read(_folder.Path("bom.toml"), new Surroundings());
        Assert.Contains(reading.Problems, p => p.Origin is { Line: 1, Column: 1 });
    }
}
