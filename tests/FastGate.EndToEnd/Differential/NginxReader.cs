using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using FastGate.EndToEnd.Processes;

namespace FastGate.EndToEnd.Differential;

/// <summary>nginx, which hands on what it read to a strict reader: the fields that go on in their place, and in fields
/// of their own what stops at it.</summary>
internal sealed partial class NginxReader : IndependentReader
{
    /// <summary>Fields that nginx writes itself or drops; it tells of them in others.</summary>
    private static readonly string[] s_stopped =
        ["Host", "Connection", "Upgrade", "Expect", "Content-Length", "Transfer-Encoding"];

    /// <summary>Fields it refuses to see twice.</summary>
    private static readonly string[] s_unique =
    [
        "If-Modified-Since", "If-Unmodified-Since", "If-Match", "If-None-Match", "User-Agent", "Referer",
        "Content-Type", "Content-Range", "Range", "If-Range", "Authorization",
    ];

    private readonly Scratch _scratch = new();
    private readonly CapturingUpstream _behind;
    private readonly Process _process;

    private NginxReader(string nginx)
    {
        _behind = new CapturingUpstream(new UnixDomainSocketEndPoint(_scratch.Path("behind.sock")), tells: true);
        _scratch.Write("nginx.conf", Configuration());
        string socket = _scratch.Path("nginx.sock");
        Address = new UnixDomainSocketEndPoint(socket);
        _process = Child.Start(nginx, "-p", _scratch.Root, "-e", "stderr", "-c", _scratch.Path("nginx.conf"));
        var said = new Lines(_process.StandardError);
        try
        {
            Expect.Await(() => _process.HasExited || IsUp(), "nginx does not come up");
            Assert.False(_process.HasExited, string.Join('\n', said.Now));
        }
        catch
        {
            Stop();
            throw;
        }
    }

    public static string? Program => Find("nginx");

    public override EndPoint Address { get; }

    public static Task<IndependentReader> StartAsync() => Task.FromResult<IndependentReader>(new NginxReader(Program!));

    /// <summary>Methods of anything but capital letters, TRACE, <c>*</c>, two dots in a Host, and a second one of the
    /// fields that should stand once.</summary>
    public override bool MayRefuse(Reading message) => !PlainMethod().IsMatch(message.Method)
        || message.Method == "TRACE" || message.Target == "*"
        || message.Values("Host")[0].Contains("..", StringComparison.Ordinal)
        || s_unique.Any(name => message.Values(name).Length > 1);

    public override string Expected(Captured request)
    {
        Reading reading = request.Reading;
        string line = request.Bytes[..request.Bytes.IndexOf("\r\n", StringComparison.Ordinal)];
        return Text(reading.Without(s_stopped), line, $"{request.Bytes.Length}", reading.Values("Host")[0],
            Digits(reading.Value("Content-Length")), reading.Value("Transfer-Encoding"), reading.Value("Expect"),
            reading.Value("Connection"), reading.Values("Upgrade").FirstOrDefault());
    }

    public override string Told(Reading reading) => Text(
        reading.Without([.. s_stopped, .. reading.Fields.Select(field => field[0]).Where(IsTelling)]),
        reading.Value("Nginx-Line"), reading.Value("Nginx-Length"), reading.Value("Host"),
        Digits(reading.Value("Nginx-Content-Length")), reading.Value("Nginx-Transfer-Encoding"),
        reading.Value("Nginx-Expect"), reading.Value("Nginx-Connection"), reading.Value("Nginx-Upgrade"));

    public override ValueTask DisposeAsync()
    {
        Stop();
        return ValueTask.CompletedTask;
    }

    private static bool IsTelling(string name) => name.StartsWith("Nginx-", StringComparison.Ordinal);

    /// <summary>Trailers stop at nginx, and an empty value is as none.</summary>
    private static string Text(Reading reading, params string?[] apart) =>
        $"{(reading with { Trailers = [] }).InOrder()}\n{string.Join('|', apart.Select(value => value ?? ""))}";

    private static string? Digits(string? length) =>
        length is null ? null : $"{long.Parse(length, CultureInfo.InvariantCulture)}";

    private bool IsUp()
    {
        try
        {
            using Wire wire = Wire.Connect(Address);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Stop()
    {
        Child.End(_process);
        _behind.End();
        _scratch.Dispose();
    }

    private string Configuration() => $$"""
        daemon off;
        master_process off;
        pid nginx.pid;
        error_log stderr warn;
        events { worker_connections 256; }
        http {
          access_log off;
          client_body_temp_path body;
          proxy_temp_path proxy;
          fastcgi_temp_path fastcgi;
          uwsgi_temp_path uwsgi;
          scgi_temp_path scgi;
          client_max_body_size 0;
          client_body_buffer_size 1m;
          client_header_buffer_size 64k;
          large_client_header_buffers 8 64k;
          ignore_invalid_headers off;
          underscores_in_headers on;
          keepalive_requests 1000000;
          proxy_buffer_size 256k;
          proxy_buffers 8 256k;
          proxy_busy_buffers_size 512k;
          upstream behind {
            server unix:{{_scratch.Path("behind.sock")}};
            keepalive 4;
            keepalive_requests 1000000;
          }
          server {
            listen unix:{{_scratch.Path("nginx.sock")}};
            location / {
              proxy_pass http://behind;
              proxy_http_version 1.1;
              proxy_ignore_client_abort on;
              proxy_next_upstream off;
              proxy_set_header Host $http_host;
              proxy_set_header Connection "";
              proxy_set_header Nginx-Line "$request";
              proxy_set_header Nginx-Length $request_length;
              proxy_set_header Nginx-Content-Length $http_content_length;
              proxy_set_header Nginx-Transfer-Encoding $http_transfer_encoding;
              proxy_set_header Nginx-Expect $http_expect;
              proxy_set_header Nginx-Connection $http_connection;
              proxy_set_header Nginx-Upgrade $http_upgrade;
            }
          }
        }
        """;

    [GeneratedRegex(@"\A[A-Z_-]+\z")]
    private static partial Regex PlainMethod();
}
