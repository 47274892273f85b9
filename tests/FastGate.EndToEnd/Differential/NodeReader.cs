using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using FastGate.EndToEnd.Processes;

namespace FastGate.EndToEnd.Differential;

/// <summary>The HTTP server of Node, with its strict parser.</summary>
internal sealed class NodeReader : IndependentReader
{
    private readonly Scratch _scratch = new();
    private readonly Process _process;
    private readonly HashSet<string> _methods;

    private NodeReader(string node)
    {
        string socket = _scratch.Path("node.sock");
        _process = Child.Start(node, Script, "serve", socket);
        try
        {
            var lines = new Lines(_process.StandardOutput);
            string ready = lines.WaitFor("methods");
            _methods = [.. JsonDocument.Parse(ready).RootElement.GetProperty("methods").EnumerateArray().Select(
                method => method.GetString()!)];
            Address = new UnixDomainSocketEndPoint(socket);
        }
        catch
        {
            Child.End(_process);
            _scratch.Dispose();
            throw;
        }
    }

    public static string? Program => Find("node");

    public static string Script => Path.Combine(AppContext.BaseDirectory, "Differential", "reader.js");

    public override EndPoint Address { get; }

    public static Task<IndependentReader> StartAsync() => Task.FromResult<IndependentReader>(new NodeReader(Program!));

    /// <summary>It takes the methods it knows only.</summary>
    public override bool MayRefuse(Reading message) => !_methods.Contains(message.Method);

    public override string Expected(Captured request) => request.Reading.InOrder();

    public override string Told(Reading reading) => reading.InOrder();

    public override ValueTask DisposeAsync()
    {
        Child.End(_process);
        _scratch.Dispose();
        return ValueTask.CompletedTask;
    }
}
