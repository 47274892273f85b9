namespace FastGate.EndToEnd.Processes;

/// <summary>A directory of its own for one test.</summary>
internal sealed class Scratch : IDisposable
{
    public string Root { get; } = Directory.CreateTempSubdirectory("fastgate-").FullName;

    public string Path(string name) => System.IO.Path.Combine(Root, name);

    public void Write(string name, string text) => File.WriteAllText(Path(name), text);

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
