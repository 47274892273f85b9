using System.Globalization;
using System.Text.Json;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Loggers;
using BenchmarkDotNet.Reports;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using Perfolizer.Horology;

namespace FastGate.Bench;

/// <summary>Holds the hot path to <c>budgets.json</c>: bytes per operation, and time as a ratio to another benchmark of
/// the same run. Absolute times are printed and never judged: on a shared machine they lie.</summary>
internal static class Guard
{
    /// <summary>Less than the smallest object (24 bytes) per operation is what the harness allocates beside it.</summary>
    private const long HarnessBytes = 4;

    /// <summary>What exceeds its budget is measured so often once more: a neighbour that takes the core only ever adds,
    /// so the least of all is kept, of both sides of a ratio; what the code itself costs is there each time.</summary>
    private const int AgainMax = 4;

    /// <param name="Benchmark">Class.Method, with [parameters] where there are some.</param>
    /// <param name="Bytes">Allocated per operation, at most.</param>
    /// <param name="Ratio">Of its fastest iteration to that of <paramref name="To"/>, at most; null for no bound on time.</param>
    /// <param name="To">Class.Method[parameters] of the same run.</param>
    private sealed record Budget(string Benchmark, long Bytes, double? Ratio, string? To);

    /// <summary>The fastest iteration: on a shared machine the others measure the neighbours.</summary>
    private sealed record Figure(double Nanoseconds, long Bytes);

    /// <returns>0 when every budget holds, otherwise 1.</returns>
    public static int Run(bool isShort)
    {
        List<Budget> budgets = Read();
        var figures = new Dictionary<string, Figure>();
        Measure(budgets, isShort, figures);
        for (int again = 0; again < AgainMax; again++)
        {
            List<Budget> broken = [.. budgets.Where(budget => !Holds(budget, figures))];
            if (broken.Count == 0)
            {
                break;
            }
            Console.WriteLine($"measured again: {string.Join(", ", broken.Select(static budget => budget.Benchmark))}");
            // The whole class, in which the other sides of its ratios are, and who shares them.
            Measure(broken, isShort, figures);
        }
        return Judge(budgets, figures);
    }

    private static int Judge(List<Budget> budgets, Dictionary<string, Figure> figures)
    {
        int broken = 0;
        Console.WriteLine($"{"benchmark",-44} {"ns",10} {"bytes",7} {"budget",7} {"ratio",7} {"budget",7}");
        foreach (Budget budget in budgets)
        {
            if (!figures.TryGetValue(budget.Benchmark, out Figure? figure))
            {
                Console.WriteLine($"{budget.Benchmark,-44} was not measured");
                broken++;
                continue;
            }
            bool holds = Holds(budget, figures);
            broken += holds ? 0 : 1;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{budget.Benchmark,-44} {figure.Nanoseconds,10:F1} {figure.Bytes,7} {budget.Bytes,7} {RatioOf(budget, figures),7:F2} {budget.Ratio,7:F2}{(holds ? "" : "  EXCEEDED")}"));
        }
        Console.WriteLine(broken == 0 ? "every budget holds" : $"{broken} budgets do not hold");
        return broken == 0 ? 0 : 1;
    }

    private static bool Holds(Budget budget, Dictionary<string, Figure> figures) =>
        figures.TryGetValue(budget.Benchmark, out Figure? figure)
            && figure.Bytes <= budget.Bytes + HarnessBytes
            && (budget.Ratio is null || RatioOf(budget, figures) <= budget.Ratio);

    private static double? RatioOf(Budget budget, Dictionary<string, Figure> figures) =>
        budget.To is { } to && figures.TryGetValue(to, out Figure? other)
            ? figures[budget.Benchmark].Nanoseconds / other.Nanoseconds
            : null;

    private static List<Budget> Read()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "budgets.json");
        return JsonSerializer.Deserialize<List<Budget>>(File.ReadAllText(path), JsonSerializerOptions.Web)!;
    }

    /// <param name="figures">Where the least that was measured of each is kept.</param>
    private static void Measure(IEnumerable<Budget> budgets, bool isShort, Dictionary<string, Figure> figures)
    {
        Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(isShort ? 20 : 30)
            .WithIterationCount(isShort ? 20 : 30)
            .WithIterationTime(TimeInterval.FromMilliseconds(isShort ? 40 : 200));
        IConfig config = ManualConfig.CreateEmpty().AddJob(job).AddDiagnoser(MemoryDiagnoser.Default)
            .AddLogger(NullLogger.Instance).WithOptions(ConfigOptions.DisableLogFile);
        foreach (string name in budgets.Select(static b => b.Benchmark[..b.Benchmark.IndexOf('.')]).Distinct())
        {
            Type type = typeof(Guard).Assembly.GetType($"FastGate.Bench.{name}")
                ?? throw new InvalidOperationException($"budgets.json names {name}, which does not exist");
            foreach (BenchmarkReport report in BenchmarkRunner.Run(type, config).Reports)
            {
                if (report.ResultStatistics is { } statistics)
                {
                    string benchmark = NameOf(report.BenchmarkCase);
                    long bytes = report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0;
                    figures[benchmark] = figures.TryGetValue(benchmark, out Figure? before)
                        ? new Figure(Math.Min(before.Nanoseconds, statistics.Min), Math.Min(before.Bytes, bytes))
                        : new Figure(statistics.Min, bytes);
                }
            }
        }
    }

    private static string NameOf(BenchmarkCase one)
    {
        string name = $"{one.Descriptor.Type.Name}.{one.Descriptor.WorkloadMethod.Name}";
        return one.HasParameters ? $"{name}[{string.Join(',', one.Parameters.Items.Select(static p => p.Value))}]" : name;
    }
}
