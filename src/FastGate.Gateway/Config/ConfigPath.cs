using System.IO.Enumeration;
using System.Text;

namespace FastGate.Gateway.Config;

/// <summary>Paths in a configuration, and reading what they name.</summary>
internal static class ConfigPath
{
    private static readonly UTF8Encoding Utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>A relative path is relative to the file that holds it.</summary>
    public static string Beside(string file, string path)
    {
        var directory = Path.GetDirectoryName(file);
        return Path.IsPathRooted(path) || string.IsNullOrEmpty(directory) ? path : Path.Combine(directory, path);
    }

    /// <summary>On failure <paramref name="error"/> ends a sentence that begins with the file.</summary>
    public static bool TryReadText(string path, int bytesMax, out string text, out string error)
    {
        (text, error) = ("", "");
        try
        {
            if (Directory.Exists(path))
            {
                error = "is a directory";
                return false;
            }
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            // Read up to one byte too many instead of asking for the length: a pipe and /proc have none.
            var bytes = new byte[Math.Min(bytesMax + 1, 64 * 1024)];
            var count = 0;
            while (true)
            {
                var read = stream.Read(bytes, count, bytes.Length - count);
                if (read == 0)
                    break;
                count += read;
                if (count > bytesMax)
                {
                    error = $"is larger than {Units.WriteSize(bytesMax)}";
                    return false;
                }
                if (count == bytes.Length)
                    Array.Resize(ref bytes, (int)Math.Min(bytesMax + 1L, bytes.Length * 2L));
            }
            var body = bytes.AsSpan(0, count);
            text = Utf8.GetString(body.StartsWith("\uFEFF"u8) ? body[3..] : body);
            return true;
        }
        catch (DecoderFallbackException)
        {
            error = "is not UTF-8";
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            error = "does not exist";
        }
        catch (UnauthorizedAccessException)
        {
            error = "may not be read: permission denied";
        }
        catch (Exception e) when (e is IOException or ArgumentException or NotSupportedException)
        {
            error = "cannot be read";
        }
        return false;
    }

    public static bool IsGlob(string path) => path.AsSpan().ContainsAny('*', '?');

    /// <summary>The files beside <paramref name="file"/> that a pattern of '*' and '?' matches, sorted; neither matches
    /// a '/', nor the dot that hides a file (editors keep their copies there).</summary>
    public static List<string> Glob(string file, string pattern, int filesMax)
    {
        List<string> found = [pattern.StartsWith('/') ? "/" : Path.GetDirectoryName(file) ?? ""];
        var parts = pattern.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (var i = 0; i < parts.Length && found.Count > 0; i++)
        {
            var next = new List<string>();
            foreach (var directory in found)
                Expand(directory, parts[i], last: i == parts.Length - 1, next, filesMax);
            found = next;
        }
        return found;
    }

    private static void Expand(string directory, string part, bool last, List<string> into, int filesMax)
    {
        if (!IsGlob(part))
        {
            var path = Path.Combine(directory, part);
            if (last ? File.Exists(path) : Directory.Exists(path))
                into.Add(path);
            return;
        }
        var names = new List<string>();
        try
        {
            var where = directory.Length == 0 ? "." : directory;
            foreach (var path in last ? Directory.EnumerateFiles(where) : Directory.EnumerateDirectories(where))
            {
                var name = Path.GetFileName(path);
                if ((!name.StartsWith('.') || part.StartsWith('.'))
                    && FileSystemName.MatchesSimpleExpression(part, name, ignoreCase: false))
                    names.Add(name);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // A directory that is not there matches nothing.
            return;
        }
        names.Sort(StringComparer.Ordinal);
        foreach (var name in names.Take(Math.Max(0, filesMax + 1 - into.Count)))
            into.Add(Path.Combine(directory, name));
    }
}
