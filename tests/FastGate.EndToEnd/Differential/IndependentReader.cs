using System.Net;

namespace FastGate.EndToEnd.Differential;

/// <summary>A strict parser that others wrote, in a server that tells in each answer what it read.</summary>
internal abstract class IndependentReader : IAsyncDisposable
{
    /// <summary>Where it listens.</summary>
    public abstract EndPoint Address { get; }

    /// <summary>The message has one reading, but this server does not take it: it must refuse it and close, or read it
    /// as everybody does. Any other must be read.</summary>
    public abstract bool MayRefuse(Reading message);

    /// <summary>What it should tell of a request, as text.</summary>
    public abstract string Expected(Captured request);

    /// <summary>What it told, as text that can be compared.</summary>
    public abstract string Told(Reading reading);

    public abstract ValueTask DisposeAsync();

    /// <summary>The path of a program; null where it is not installed.</summary>
    public static string? Find(string program) =>
        $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/usr/local/sbin".Split(':')
            .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
