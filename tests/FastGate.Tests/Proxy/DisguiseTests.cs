namespace FastGate.Tests.Proxy;

/// <summary>What would be refused, removed or routed elsewhere, had it come in its usual place.</summary>
public sealed class DisguiseTests
{
    /// <summary>A field that the upstream does not get must not have chosen it: neither what Connection takes off, nor what
    /// is not believed from anybody.</summary>
    [Theory]
    [InlineData("X-Real-IP: 10.0.0.5\r\n", "all")]
    [InlineData("X-Forwarded-Proto: https\r\n", "all")]
    [InlineData("X-Forwarded-Tenant: 7\r\n", "all")]
    [InlineData("X-Request-Id: 1\r\n", "all")]
    [InlineData("X_Beta: 1\r\n", "all")]
    [InlineData("TE: trailers\r\n", "all")]
    [InlineData("Upgrade: websocket\r\n", "all")]
    [InlineData("Connection: upgrade\r\nUpgrade: h2c\r\n", "all")]
    [InlineData("X-Beta: 1\r\n", "beta")]
    [InlineData("X-Beta: 1\r\nConnection: x-beta\r\n", "all")]
    [InlineData("Connection: close, X-Beta\r\nX-Beta: 1\r\n", "all")]
    [InlineData("Connection: upgrade\r\nUpgrade: websocket\r\n", "socket")]
    public void What_does_not_go_on_decides_nothing(string fields, string route)
    {
        using var gate = new GateInMemory("""
            version = 1
            [log]
            access = "off"
            [[listener]]
            name = "web"
            bind = "127.0.0.1:8080"
            [[route]]
            name = "beta"
            match = "/*"
            when = { "header:X-Beta" = "1" }
            respond = { status = 200, body = "beta" }
            [[route]]
            name = "unbelieved"
            match = "/*"
            order = 2
            when = { "header:X-Real-IP" = true }
            respond = { status = 200, body = "unbelieved" }
            [[route]]
            name = "scheme"
            match = "/*"
            order = 3
            when = { "header:X-Forwarded-Proto" = "https" }
            respond = { status = 200, body = "unbelieved" }
            [[route]]
            name = "tenant"
            match = "/*"
            order = 4
            when = { "header:X-Forwarded-Tenant" = true }
            respond = { status = 200, body = "unbelieved" }
            [[route]]
            name = "id"
            match = "/*"
            order = 5
            when = { "header:X-Request-Id" = true }
            respond = { status = 200, body = "unbelieved" }
            [[route]]
            name = "underscore"
            match = "/*"
            order = 6
            when = { "header:X_Beta" = true }
            respond = { status = 200, body = "unbelieved" }
            [[route]]
            name = "te"
            match = "/*"
            order = 7
            when = { "header:TE" = true }
            respond = { status = 200, body = "unbelieved" }
            [[route]]
            name = "h2c"
            match = "/*"
            order = 8
            when = { "header:Upgrade" = "h2c" }
            respond = { status = 200, body = "unbelieved" }
            [[route]]
            name = "socket"
            match = "/*"
            order = 1
            when = { "header:Upgrade" = "websocket" }
            respond = { status = 200, body = "socket" }
            [[route]]
            name = "all"
            match = "/*"
            respond = { status = 200, body = "all" }
            """);
        Peer client = gate.Connect();
        client.Send($"GET / HTTP/1.1\r\nHost: h\r\n{fields}\r\n");
        Assert.EndsWith($"\r\n\r\n{route}", client.Received, StringComparison.Ordinal);
    }

    private const string Routes = """
        version = 1
        [log]
        access = "off"
        [[listener]]
        name = "web"
        bind = "127.0.0.1:8080"
        [upstream.u]
        servers = ["demo:"]
        [[route]]
        name = "admin"
        match = ["/admin/*", "POST /form"]
        respond = { status = 403, body = "no" }
        [[route]]
        name = "tenant"
        match = "/{tenant}/info"
        upstream = "u"
        [[route]]
        name = "matrix"
        match = "/matrix;v=1/*"
        upstream = "u"
        [[route]]
        name = "all"
        match = "/all/*"
        upstream = "u"
        [[route]]
        name = "root"
        match = "/*"
        upstream = "u"
        """;

    /// <summary>Servers merge trailers into the fields of the head.</summary>
    [Fact]
    public void What_a_rule_removes_or_sets_does_not_come_as_a_trailer()
    {
        const string Body = "1\r\nx\r\n0\r\nX-User: forged\r\nx-debug: 1\r\nX-Sum: 42\r\n\r\n";
        const string Passed = "1\r\nx\r\n0\r\nX-Sum: 42\r\n\r\n";
        const string Rules = """{ set = { "X-User" = "gate" }, remove = ["X-Debug"] }""";
        using GateInMemory gate = GateInMemory.With(
            route: $"request_headers = {Rules}\nresponse_headers = {Rules}");
        Peer client = gate.Connect();
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n{Body}");
        Assert.EndsWith($"\r\nX-User: gate\r\n\r\n{Passed}", gate.Upstream[0].Received);
        gate.Upstream[0].Send($"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{Body}");
        Assert.EndsWith($"\r\nX-User: gate\r\n\r\n{Passed}", client.Received);
    }

    /// <summary>The server behind would have served each as the host of the route that it went past.</summary>
    [Theory]
    [InlineData("[::1]", "403")]
    [InlineData("[::1]:8080", "403")]
    [InlineData("[2001:DB8::A]", "403")]
    [InlineData("[2001:db8::a]", "403")]
    [InlineData("[0:0:0:0:0:0:0:1]", "400")]
    [InlineData("[0::1]", "400")]
    [InlineData("[::0001]", "400")]
    [InlineData("[::0.0.0.1]", "400")]
    [InlineData("[2001:db8:0::a]", "400")]
    [InlineData("[::2]", "200")]
    public void An_address_has_one_spelling(string host, string status)
    {
        using var gate = new GateInMemory("""
            version = 1
            [log]
            access = "off"
            [[listener]]
            name = "web"
            bind = "127.0.0.1:8080"
            [[route]]
            name = "guarded"
            match = ["[::1]/*", "[2001:0db8::000a]/*"]
            respond = { status = 403 }
            [[route]]
            name = "all"
            match = "/*"
            respond = { status = 200 }
            """);
        foreach (string request in (string[])[$"/ HTTP/1.1\r\nHost: {host}", $"http://{host}/ HTTP/1.1\r\nHost: h"])
        {
            Peer client = gate.Connect();
            client.Send($"GET {request}\r\n\r\n");
            Assert.StartsWith($"HTTP/1.1 {status} ", client.Received, StringComparison.Ordinal);
        }
    }

    /// <summary>CGI and its heirs read an underscore as the dash: it would be the field that the gate has read, dropped
    /// or written itself.</summary>
    [Theory]
    [InlineData("Content_Length: 5", "pass", "400")]
    [InlineData("Transfer_Encoding: chunked", "pass", "400")]
    [InlineData("TRANSFER_encoding: chunked", "pass", "400")]
    [InlineData("Content_Length: 5", "drop", "")]
    [InlineData("Transfer_Encoding: chunked", "drop", "")]
    [InlineData("X_Forwarded_For: 10.0.0.5", "pass", "")]
    [InlineData("X-Forwarded_Tenant: 7", "pass", "")]
    [InlineData("X_Real-IP: 10.0.0.5", "pass", "")]
    [InlineData("Content_Type: text/html", "pass", "")]
    [InlineData("Proxy_Authorization: Basic YTpi", "pass", "")]
    [InlineData("max_forwards: 5", "pass", "")]
    [InlineData("If_Unmodified_Since: 5", "pass", "")]
    [InlineData("My_Own: 1", "pass", "My_Own: 1\r\n")]
    [InlineData("Content_Lengths: 1", "pass", "Content_Lengths: 1\r\n")]
    [InlineData("X_Content_Length_of_the_whole: 1", "pass", "X_Content_Length_of_the_whole: 1\r\n")]
    [InlineData("_: 1", "pass", "_: 1\r\n")]
    public void An_underscore_is_no_way_past(string field, string handling, string expected)
    {
        using GateInMemory gate = GateInMemory.With(client: $"underscore_headers = \"{handling}\"");
        Peer client = gate.Connect();
        client.Send($"POST /a HTTP/1.1\r\nHost: h\r\n{field}\r\nX-Z: 1\r\nContent-Length: 2\r\n\r\nok");
        if (expected == "400")
        {
            Assert.StartsWith("HTTP/1.1 400 ", client.Received, StringComparison.Ordinal);
            Assert.Empty(gate.Upstream);
            return;
        }
        Assert.StartsWith($"POST /a HTTP/1.1\r\nHost: h\r\n{expected}X-Z: 1\r\nContent-Length: 2\r\n",
            gate.Upstream[0].Received, StringComparison.Ordinal);
    }

    /// <summary>A part must not become the whole because somebody on the way was told to take its range off.</summary>
    [Fact]
    public void What_part_is_meant_cannot_be_named_away()
    {
        const string Part = "Content-Range: bytes 0-1/9\r\nRange: bytes=0-1\r\nIf-Range: \"a\"\r\n";
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("PUT /a HTTP/1.1\r\nHost: h\r\nConnection: Content-Range, range, IF-RANGE\r\n"
            + $"{Part}Content-Length: 2\r\n\r\nok");
        Assert.Contains($"\r\n{Part}", gate.Upstream[0].Received, StringComparison.Ordinal);
    }

    /// <summary>To a Java server each is another path, whose route it would have gone past.</summary>
    [Theory]
    [InlineData("GET /admin;x", "400")]
    [InlineData("GET /admin;x/secret", "400")]
    [InlineData("GET /admin;/secret", "400")]
    [InlineData("GET /;x/admin", "400")]
    [InlineData("GET /;/;a=b/admin/secret", "400")]
    [InlineData("GET /admin%3bx/secret", "400")]
    [InlineData("GET /%61dmin%3B/secret", "400")]
    [InlineData("GET http://h/admin;x", "400")]
    [InlineData("GET /;x/info", "400")]
    [InlineData("GET /all;x/a", "400")]
    [InlineData("POST /form;x", "400")]
    [InlineData("GET /matrix;v=1/admin", "")]
    [InlineData("GET /form;x", "")]
    [InlineData("GET /all/a;x", "")]
    [InlineData("GET /all/;x/a;y/", "")]
    [InlineData("GET /b;x", "")]
    [InlineData("GET /;x", "")]
    [InlineData("GET /b/admin;x", "")]
    [InlineData("GET /b;/info", "")]
    [InlineData("GET /b?/admin;x", "")]
    [InlineData("GET /admin;x/../b", "")]
    [InlineData("GET /admin/a;x", "403")]
    public void A_path_whose_parameters_decide_its_route_is_refused(string line, string refused)
    {
        using var gate = new GateInMemory(Routes);
        Peer client = gate.Connect();
        client.Send($"{line} HTTP/1.1\r\nHost: h\r\n\r\n");
        if (refused.Length == 0)
        {
            string target = line.Contains("..", StringComparison.Ordinal) ? "GET /b" : line;
            Assert.StartsWith($"{target} HTTP/1.1\r\n", gate.Upstream[0].Received);
            return;
        }
        Assert.StartsWith($"HTTP/1.1 {refused} ", client.Received);
        Assert.Empty(gate.Upstream);
    }

    [Fact]
    public void A_long_path_with_parameters_has_the_route_it_has_without_them_or_none()
    {
        using var gate = new GateInMemory(Routes);
        Peer client = gate.Connect();
        string most = "/b;" + new string('x', (8 * 1024) - 3);
        client.Send($"GET {most} HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.StartsWith($"GET {most} HTTP/1.1\r\n", gate.Upstream[0].Received);
        Peer other = gate.Connect();
        other.Send($"GET {most}x HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", other.Received);
    }

    /// <summary>They may be meant for the other end of the tunnel, where whoever wrote them is somebody else.</summary>
    [Fact]
    public void Bytes_behind_a_refused_CONNECT_are_no_request()
    {
        using var gate = new GateInMemory();
        Peer client = gate.Connect();
        client.Send("CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 405 ", client.Received);
        Assert.Contains("\r\nConnection: close\r\n", client.Received);
        Assert.Single(client.Received.Split("HTTP/1.1 "), part => part.Length > 0);
        Assert.True(client.Ended);
        Assert.Empty(gate.Upstream);
    }

    /// <summary>Nearly every server decodes these before it looks what is asked for.</summary>
    [Theory]
    [InlineData("/api/users%3aexport", "400")]
    [InlineData("/%40admin/x", "400")]
    [InlineData("/es/admin%2fsecret", "400")]
    [InlineData("/es/%2Fadmin", "400")]
    [InlineData("/es/%5cadmin", "400")]
    [InlineData("/es/admin%2f", "400")]
    [InlineData("/es/%2f%2fadmin%3bx", "400")]
    [InlineData("/%40admin;x/x", "400")]
    [InlineData("/api/users:export", "403")]
    [InlineData("/es/a%2Fb", "")]
    [InlineData("/user/a%2Fb", "")]
    [InlineData("/user/all%2Fb", "400")]
    [InlineData("/user/a%40b%3Ac", "")]
    [InlineData("/a%20b%21", "")]
    [InlineData("/escaped%3Aliteral", "")]
    public void A_path_whose_escapes_decide_its_route_is_refused(string path, string refused)
    {
        using var gate = new GateInMemory("""
            version = 1
            [log]
            access = "off"
            [[listener]]
            name = "web"
            bind = "127.0.0.1:8080"
            [upstream.u]
            servers = ["demo:"]
            [[route]]
            name = "export"
            match = ["/api/users:export", "/@admin/*", "/es/admin/*", "/user/all/*", "/escaped:literal"]
            respond = { status = 403 }
            [[route]]
            name = "slashes"
            match = ["/es/*", "/user/{id}"]
            encoded_slash = true
            upstream = "u"
            [[route]]
            name = "all"
            match = ["/*", "/escaped%3Aliteral"]
            upstream = "u"
            """);
        Peer client = gate.Connect();
        client.Send($"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n");
        if (refused.Length == 0)
        {
            Assert.StartsWith($"GET {path} HTTP/1.1\r\n", gate.Upstream[0].Received);
            return;
        }
        Assert.StartsWith($"HTTP/1.1 {refused} ", client.Received);
        Assert.Empty(gate.Upstream);
    }

    /// <summary>Servers merge trailers into the fields of the head.</summary>
    [Fact]
    public void A_field_that_decides_does_not_come_as_a_trailer()
    {
        using var gate = new GateInMemory("""
            version = 1
            [log]
            access = "off"
            [[listener]]
            name = "web"
            bind = "127.0.0.1:8080"
            [upstream.u]
            servers = ["demo:"]
            balance = "hash"
            hash = "header:X-Tenant"
            [[route]]
            name = "denied"
            match = "/*"
            when = { "header:X-Role" = "admin" }
            respond = { status = 403 }
            [[route]]
            name = "all"
            match = "/*"
            upstream = "u"
            """);
        Peer client = gate.Connect();
        client.Send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
            + "1\r\nx\r\n0\r\nx-role: admin\r\nX-Tenant: 1\r\nX-Sum: 42\r\n\r\n");
        Assert.EndsWith("\r\n\r\n1\r\nx\r\n0\r\nX-Sum: 42\r\n\r\n", gate.Upstream[0].Received);
    }

    /// <summary>Names of hosts that a route's host would not know again.</summary>
    [Theory]
    [InlineData("admin.example.com..")]
    [InlineData(".admin.example.com")]
    [InlineData("admin..example.com")]
    [InlineData("%61dmin.example.com")]
    [InlineData("admin.example.com,b")]
    public void A_host_that_is_no_name_is_refused(string host)
    {
        using var gate = new GateInMemory(Routes);
        Peer client = gate.Connect();
        client.Send($"GET /b HTTP/1.1\r\nHost: {host}\r\n\r\n");
        Assert.StartsWith("HTTP/1.1 400 ", client.Received);
        Assert.Empty(gate.Upstream);
    }
}
