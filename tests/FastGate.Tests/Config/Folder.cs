namespace FastGate.Tests.Config;

/// <summary>A directory of its own for one test.</summary>
internal sealed class Folder : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("fastgate-").FullName;

    public string Path(string name) => System.IO.Path.Combine(_root, name);

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path(name))!);
        File.WriteAllText(Path(name), text);
    }

    public void WriteBytes(string name, byte[] bytes) => File.WriteAllBytes(Path(name), bytes);

    /// <summary>A text without the name of the directory, which differs every time.</summary>
    public string Relative(string text) => text.Replace(_root + "/", "", StringComparison.Ordinal);

    public void Dispose() => Directory.Delete(_root, recursive: true);
}
