using FastGate.Fuzz;
using FastGate.Fuzz.Targets;
using SharpFuzz;

// Under afl-fuzz every input of the run, without it the one on standard input.
const string Usage = """
    FastGate.Fuzz TARGET                     one input from standard input; under afl-fuzz, all of its inputs
    FastGate.Fuzz TARGET --replay PATH...    every file there; exits 1 where a demand does not hold
    FastGate.Fuzz TARGET --seeds DIRECTORY   writes what the fuzzer begins with
    """;

if (args.Length == 0 || !FuzzTargets.ByName.TryGetValue(args[0], out Action<byte[]>? target))
{
    Console.Error.WriteLine($"{Usage}\ntargets: {string.Join(' ', FuzzTargets.ByName.Keys)}");
    return 2;
}
switch (args[1..])
{
    case []:
        Fuzzer.OutOfProcess.Run(stream =>
        {
            using var input = new MemoryStream();
            stream.CopyTo(input);
            target(input.ToArray());
        });
        return 0;
    case ["--replay", _, ..]:
        return Replay.Run(target, args[2..], Console.Out) ? 0 : 1;
    case ["--seeds", var directory]:
        Directory.CreateDirectory(directory);
        foreach ((int number, byte[] seed) in Seeds.Of(args[0]).Index())
        {
            File.WriteAllBytes(Path.Combine(directory, $"case-{number:000}"), seed);
        }
        return 0;
    default:
        Console.Error.WriteLine(Usage);
        return 2;
}
