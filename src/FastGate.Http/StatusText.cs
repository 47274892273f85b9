namespace FastGate.Http;

/// <summary>Status lines with their usual phrase (RFC 9110 section 15), prebuilt.</summary>
internal static class StatusText
{
    private static readonly byte[]?[] s_lines = Build();

    /// <summary>The whole line with CRLF; empty for a status without a usual phrase.</summary>
    public static ReadOnlySpan<byte> Line(int status) => (uint)status < 600 ? s_lines[status] : null;

    private static byte[]?[] Build()
    {
        var lines = new byte[]?[600];
        foreach ((int status, string phrase) in (ReadOnlySpan<(int, string)>)[
            (100, "Continue"), (101, "Switching Protocols"), (103, "Early Hints"), (200, "OK"), (201, "Created"),
            (202, "Accepted"), (203, "Non-Authoritative Information"), (204, "No Content"), (205, "Reset Content"),
            (206, "Partial Content"), (300, "Multiple Choices"), (301, "Moved Permanently"), (302, "Found"),
            (303, "See Other"), (304, "Not Modified"), (307, "Temporary Redirect"), (308, "Permanent Redirect"),
            (400, "Bad Request"), (401, "Unauthorized"), (402, "Payment Required"), (403, "Forbidden"),
            (404, "Not Found"), (405, "Method Not Allowed"), (406, "Not Acceptable"),
            (407, "Proxy Authentication Required"), (408, "Request Timeout"), (409, "Conflict"), (410, "Gone"),
            (411, "Length Required"), (412, "Precondition Failed"), (413, "Content Too Large"),
            (414, "URI Too Long"), (415, "Unsupported Media Type"), (416, "Range Not Satisfiable"),
            (417, "Expectation Failed"), (421, "Misdirected Request"), (422, "Unprocessable Content"),
            (425, "Too Early"), (426, "Upgrade Required"), (428, "Precondition Required"),
            (429, "Too Many Requests"), (431, "Request Header Fields Too Large"),
            (451, "Unavailable For Legal Reasons"), (500, "Internal Server Error"), (501, "Not Implemented"),
            (502, "Bad Gateway"), (503, "Service Unavailable"), (504, "Gateway Timeout"),
            (505, "HTTP Version Not Supported"), (507, "Insufficient Storage"),
            (511, "Network Authentication Required")])
        {
            lines[status] = System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 {status} {phrase}\r\n");
        }
        return lines;
    }
}
