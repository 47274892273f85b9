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
        Dictionary<string, Figure> figures = Measure(budgets, isShort);
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
            double? ratio = budget.To is { } to && figures.TryGetValue(to, out Figure? other)
                ? figure.Nanoseconds / other.Nanoseconds
                : null;
            bool holds = figure.Bytes <= budget.Bytes + HarnessBytes && (budget.Ratio is null || ratio <= budget.Ratio);
            broken += holds ? 0 : 1;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"{budget.Benchmark,-44} {figure.Nanoseconds,10:F1} {figure.Bytes,7} {budget.Bytes,7} {ratio,7:F2} {budget.Ratio,7:F2}{(holds ? "" : "  EXCEEDED")}"));
        }
        Console.WriteLine(broken == 0 ? "every budget holds" : $"{broken} budgets do not hold");
        return broken == 0 ? 0 : 1;
    }

    private static List<Budget> Read()
    {
        string path = Path.Combine(AppContext.BaseDirectory, "budgets.json");
        return JsonSerializer.Deserialize<List<Budget>>(File.ReadAllText(path), JsonSerializerOptions.Web)!;
    }

    private static Dictionary<string, Figure> Measure(List<Budget> budgets, bool isShort)
    {
        Job job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance)
            .WithWarmupCount(isShort ? 20 : 30)
            .WithIterationCount(isShort ? 20 : 30)
            .WithIterationTime(TimeInterval.FromMilliseconds(isShort ? 40 : 200));
        IConfig config = ManualConfig.CreateEmpty().AddJob(job).AddDiagnoser(MemoryDiagnoser.Default)
            .AddLogger(NullLogger.Instance).WithOptions(ConfigOptions.DisableLogFile);
        var figures = new Dictionary<string, Figure>();
        foreach (string name in budgets.Select(static b => b.Benchmark[..b.Benchmark.IndexOf('.')]).Distinct())
        {
            Type type = typeof(Guard).Assembly.GetType($"FastGate.Bench.{name}")
                ?? throw new InvalidOperationException($"budgets.json names {name}, which does not exist");
            foreach (BenchmarkReport report in BenchmarkRunner.Run(type, config).Reports)
            {
                if (report.ResultStatistics is { } statistics)
                {
                    figures[NameOf(report.BenchmarkCase)] = new Figure(statistics.Min,
                        report.GcStats.GetBytesAllocatedPerOperation(report.BenchmarkCase) ?? 0);
                }
            }
        }
        return figures;
    }

    private static string NameOf(BenchmarkCase one)
    {
        string name = $"{one.Descriptor.Type.Name}.{one.Descriptor.WorkloadMethod.Name}";
        return one.HasParameters ? $"{name}[{string.Join(',', one.Parameters.Items.Select(static p => p.Value))}]" : name;
    }
}
