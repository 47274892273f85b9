namespace FastGate.Tests.Architecture;

public sealed class RoomOrderTests
{
    private const string Gateway = "src/FastGate.Gateway/";

    private static readonly SourceFile s_stats =
        new("g/Stats/Count.cs", "namespace G.Stats; class Count { public static int One = 1; }");

    private static readonly SourceFile s_proxy = new("g/Proxy/Walk.cs", """
        namespace G.Proxy;
        class Walk { public int Steps = Stats.Count.One; }
        static class Walking { public static int Twice(this int n) => 2 * n; }
        """);

    [Fact]
    public void A_room_uses_only_those_left_of_it()
    {
        IReadOnlyList<string> violations = RoomOrder.Violations(SourceTree.Read(Gateway), Gateway);
        Assert.True(violations.Count == 0, string.Join('\n', violations));
    }

    [Fact]
    public void Left_is_allowed() => Assert.Empty(RoomOrder.Violations([s_stats, s_proxy], "g/"));

    [Theory]
    [InlineData("using G.Proxy; namespace G.Stats; class Bad { Walk? W; }", "Walk")]
    [InlineData("namespace G.Stats; class Bad { Proxy.Walk? W; }", "Walk")]
    [InlineData("namespace G.Stats; class Bad { int N => new global::G.Proxy.Walk().Steps; }", "Steps")]
    [InlineData("using static G.Proxy.Walking; namespace G.Stats; class Bad { int N => 1.Twice(); }", "Twice")]
    [InlineData("using W = G.Proxy.Walk; namespace G.Stats; class Bad { void M(W w) {} }", "W")]
    [InlineData("namespace G.Stats; class Bad { string N => nameof(Proxy.Walk); }", "Walk")]
    public void Right_is_found_however_it_is_named(string text, string name)
    {
        IReadOnlyList<string> violations =
            RoomOrder.Violations([s_stats, s_proxy, new SourceFile("g/Stats/Bad.cs", text)], "g/");
        Assert.Contains($"g/Stats/Bad.cs:1: {name} is declared in g/Proxy/Walk.cs, right of this room", violations);
    }

    [Fact]
    public void What_lies_beside_the_rooms_uses_none_of_them()
    {
        var beside = new SourceFile("g/Beside.cs", "namespace G; class Beside { int N => Stats.Count.One; }");
        Assert.Contains(RoomOrder.Violations([s_stats, beside], "g/"),
            v => v.StartsWith("g/Beside.cs:1: Count is declared", StringComparison.Ordinal));
    }

    [Fact]
    public void A_room_without_a_place_in_the_order_is_found()
    {
        var attic = new SourceFile("g/Attic/Box.cs", "namespace G.Attic; class Box;");
        Assert.Equal(["g/Attic/Box.cs: lies in a room that is not in the order"], RoomOrder.Violations([attic], "g/"));
    }

    [Fact]
    public void A_name_that_cannot_be_resolved_is_not_overlooked()
    {
        var blind = new SourceFile("g/Stats/Blind.cs", "namespace G.Stats; class Blind { Missing? M; }");
        Assert.StartsWith("g/Stats/Blind.cs:1: cannot be checked", Assert.Single(RoomOrder.Violations([blind], "g/")),
            StringComparison.Ordinal);
    }
}
