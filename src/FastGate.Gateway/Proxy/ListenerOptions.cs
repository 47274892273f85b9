namespace FastGate.Gateway.Proxy;

/// <summary>[[listener]]: where clients connect.</summary>
public sealed record ListenerOptions
{
    public required string Name { get; init; }

    public required BindAddress Bind { get; init; }
}
