namespace FastGate.Http;

/// <summary>Bounds of one head.</summary>
/// <param name="HeadBytesMax">Bytes of the whole head; a request line over it is 414, the rest 431.</param>
/// <param name="HeadersMax">Field lines.</param>
public readonly record struct HeadLimits(int HeadBytesMax, int HeadersMax);
