namespace FastGate.Http;

internal static class MethodNames
{
    /// <summary>Methods are case-sensitive (RFC 9110 section 9.1).</summary>
    public static Method Of(ReadOnlySpan<byte> name) => name.Length switch
    {
        3 when name.SequenceEqual("GET"u8) => Method.Get,
        3 when name.SequenceEqual("PUT"u8) => Method.Put,
        4 when name.SequenceEqual("POST"u8) => Method.Post,
        4 when name.SequenceEqual("HEAD"u8) => Method.Head,
        5 when name.SequenceEqual("PATCH"u8) => Method.Patch,
        5 when name.SequenceEqual("TRACE"u8) => Method.Trace,
        6 when name.SequenceEqual("DELETE"u8) => Method.Delete,
        7 when name.SequenceEqual("OPTIONS"u8) => Method.Options,
        7 when name.SequenceEqual("CONNECT"u8) => Method.Connect,
        _ => Method.Other,
    };
}
