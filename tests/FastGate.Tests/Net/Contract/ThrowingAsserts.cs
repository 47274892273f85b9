using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace FastGate.Tests.Net;

/// <summary>A broken invariant is a failed test, not a message or the end of the process.</summary>
internal sealed class ThrowingAsserts : TraceListener
{
    [ModuleInitializer]
    internal static void Install()
    {
        Trace.Listeners.Clear();
        Trace.Listeners.Add(new ThrowingAsserts());
    }

    public override void Fail(string? message, string? detailMessage) =>
        throw new AssertException($"{message} {detailMessage}");

    public override void Write(string? message)
    {
    }

    public override void WriteLine(string? message)
    {
    }
}

internal sealed class AssertException(string message) : Exception(message);
