namespace FastGate.EndToEnd;

/// <summary>Bounds what a test awaits.</summary>
internal static class Soon
{
    /// <summary>Canceled after <see cref="Wire.BoundMs"/>, or when the run is.</summary>
    public static CancellationToken Token
    {
        get
        {
            var source = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            source.CancelAfter(Wire.BoundMs);
            return source.Token;
        }
    }

    /// <summary>A client that others wrote, on one connection at a time.</summary>
    public static HttpClient HttpClient(GateOnLoopback gate, int connections = 1) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        AllowAutoRedirect = false,
        MaxConnectionsPerServer = connections,
        Expect100ContinueTimeout = TimeSpan.FromMilliseconds(Wire.BoundMs),
    })
    {
        BaseAddress = gate.Url,
        Timeout = TimeSpan.FromMilliseconds(Wire.BoundMs),
    };
}
