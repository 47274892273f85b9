using System.Reflection;
using FastGate.Profile;

// Records which paths of the gate ordinary traffic takes, and writes what the native compiler reads: "The profile" in
// src/FastGate.Cli/README.md.
#if DEBUG
Console.Error.WriteLine("A profile is of the code that is shipped: dotnet run -c Release --project bench/FastGate.Profile");
return 2;
#else
if (args.Length > 1 || args is [['-', ..]])
{
    Console.Error.WriteLine("usage: [FILE], by default src/FastGate.Cli/fastgate.mibc");
    return 2;
}
string program = Path.GetFullPath(Built("FastGate.Program"));
string file = args is [var named] ? named : Path.GetFullPath(Built("FastGate.ProfileFile"));
string counts = await Recording.RunAsync(program);
var profile = new ProfileFile(
    Path.GetDirectoryName(program)!, Path.GetDirectoryName(typeof(object).Assembly.Location)!);
foreach (MethodCounts method in MethodCounts.Parse(counts))
{
    profile.Add(method);
}
profile.Write(file);
Console.WriteLine($"{file}: {profile.Methods} methods; not representable {profile.Left}, hardly used {profile.Cold}");
return 0;

static string Built(string key) => typeof(Recording).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
    .Single(metadata => metadata.Key == key).Value!;
#endif
