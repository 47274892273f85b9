namespace FastGate.Gateway.Admin;

/// <summary>What <c>/readyz</c> tells: whether new clients are welcome.</summary>
public enum Readiness
{
    /// <summary>Not every listener is bound yet.</summary>
    Starting,
    Ready,
    /// <summary>New clients should go elsewhere; those that come all the same may still be taken.</summary>
    Draining,
}
