using System.IO.Compression;
using Mono.Cecil;
using Mono.Cecil.Cil;

namespace FastGate.Profile;

/// <summary>A <c>.mibc</c> file, which the native compiler reads (<c>ilc --mibc</c>): an assembly whose methods are
/// never run; their code lists methods and numbers (dotnet/runtime, <c>MIbcProfileParser.cs</c>).</summary>
/// <remarks>Methods with type parameters of their own are left out: the runtime's text does not name their arguments.
/// </remarks>
internal sealed class ProfileFile
{
    /// <summary>A method none of whose branches was taken as often is compiled as it would be without a profile.
    /// </summary>
    private const int HotMin = 200;

    /// <summary>For a type or a method that cannot be named: one that is not among those looked for.</summary>
    private const int Unknown = 1;

    /// <summary>All fields of a record follow: offset, kind, count, other.</summary>
    private const int AllFields = 15;

    private readonly Dictionary<string, TypeDefinition> _types = [];
    private readonly SortedDictionary<string, MethodDefinition> _groups = new(StringComparer.Ordinal);
    private readonly ModuleDefinition _module;
    private readonly TypeReference _shared;

    /// <param name="directories">Where the assemblies lie whose methods were counted.</param>
    public ProfileFile(params string[] directories)
    {
        var resolver = new DefaultAssemblyResolver();
        foreach (string directory in directories)
        {
            resolver.AddSearchDirectory(directory);
            foreach (string file in Directory.EnumerateFiles(directory, "*.dll").Where(IsCounted))
            {
                foreach (TypeDefinition type in ModuleDefinition.ReadModule(
                    file, new ReaderParameters { AssemblyResolver = resolver }).GetTypes())
                {
                    _types.TryAdd(type.FullName.Replace('/', '+'), type);
                }
            }
        }
        _module = ModuleDefinition.CreateModule(
            "fastgate.mibc", new ModuleParameters { Kind = ModuleKind.Dll, AssemblyResolver = resolver });
        // Code that several reference types share stands under this one.
        var scope = new AssemblyNameReference("System.Private.Canon", new Version(1, 0, 0, 0));
        _module.AssemblyReferences.Add(scope);
        _shared = new TypeReference("System", "__Canon", _module, scope);
    }

    public int Methods { get; private set; }

    public int Left { get; private set; }

    public int Cold { get; private set; }

    public void Add(MethodCounts method)
    {
        if (method.Most < HotMin)
        {
            Cold++;
        }
        else if (Reference(method) is { } reference)
        {
            Emit(reference, method.Records);
            Methods++;
        }
        else
        {
            Left++;
        }
    }

    public void Write(string file)
    {
        MethodDefinition all = NewMethod("AssemblyDictionary");
        foreach ((string name, MethodDefinition group) in _groups)
        {
            group.Body.Instructions.Add(Instruction.Create(OpCodes.Ret));
            all.Body.Instructions.Add(Instruction.Create(OpCodes.Ldstr, name));
            all.Body.Instructions.Add(Instruction.Create(OpCodes.Ldtoken, (MethodReference)group));
            all.Body.Instructions.Add(Instruction.Create(OpCodes.Pop));
        }
        all.Body.Instructions.Add(Instruction.Create(OpCodes.Ret));
        using var module = new MemoryStream();
        _module.Write(module, new WriterParameters { DeterministicMvid = true, Timestamp = 0 });
        using var zip = new ZipArchive(File.Create(file), ZipArchiveMode.Create);
        using Stream entry = zip.CreateEntry(Path.GetFileName(file) + ".dll", CompressionLevel.SmallestSize).Open();
        module.WriteTo(entry);
    }

    private static bool IsCounted(string file) => Path.GetFileName(file) is var name
        && (name.StartsWith("FastGate.", StringComparison.Ordinal)
            || name is "System.Private.CoreLib.dll" or "System.IO.Pipelines.dll" or "System.Memory.dll"
                or "System.Collections.dll" or "System.Net.Primitives.dll" or "Microsoft.Extensions.ObjectPool.dll");

    private MethodReference? Reference(MethodCounts counts)
    {
        (string name, string[] arguments) = Parts(counts.Type);
        if (!_types.TryGetValue(name, out TypeDefinition? type) || type.GenericParameters.Count != arguments.Length)
        {
            return null;
        }
        MethodDefinition[] same = [.. type.Methods.Where(method => method.Name == counts.Name && method.HasBody
            && method.Body.CodeSize == counts.CodeBytes && method.Parameters.Count == counts.Parameters
            && method.HasThis != counts.IsStatic)];
        if (same is not [{ HasGenericParameters: false } found])
        {
            return null;
        }
        MethodReference imported = _module.ImportReference(found);
        if (arguments.Length > 0)
        {
            if (Type(counts.Type) is not { } instance)
            {
                return null;
            }
            imported.DeclaringType = instance;
        }
        return imported;
    }

    private void Emit(MethodReference method, IReadOnlyList<CountRecord> records)
    {
        Mono.Collections.Generic.Collection<Instruction> code = GroupOf(method).Body.Instructions;
        code.Add(Instruction.Create(OpCodes.Ldtoken, method));
        code.Add(Instruction.Create(OpCodes.Ldstr, "ExclusiveWeight"));
        code.Add(Number(1));
        code.Add(Instruction.Create(OpCodes.Ldstr, "InstrumentationDataStart"));
        foreach (CountRecord record in records)
        {
            foreach (int field in new[] { AllFields, record.Offset, record.Kind, record.Count, record.Other })
            {
                code.Add(Number(field));
            }
            foreach (string value in record.Values)
            {
                code.Add(record.IsNumber ? Number(MethodCounts.Number(value)) : Handle(value));
            }
        }
        code.Add(Instruction.Create(OpCodes.Ldstr, "InstrumentationDataEnd"));
        code.Add(Instruction.Create(OpCodes.Pop));
    }

    private MethodDefinition GroupOf(MethodReference method)
    {
        string name = method.DeclaringType.Resolve().Module.Assembly.Name.Name + ";";
        if (!_groups.TryGetValue(name, out MethodDefinition? group))
        {
            group = NewMethod($"Assemblies_{name}_{_groups.Count}");
            _groups.Add(name, group);
        }
        return group;
    }

    private MethodDefinition NewMethod(string name)
    {
        var method = new MethodDefinition(
            name, MethodAttributes.Public | MethodAttributes.Static, _module.TypeSystem.Void);
        _module.Types[0].Methods.Add(method);
        return method;
    }

    private static Instruction Number(long value) => value is >= int.MinValue and <= int.MaxValue
        ? Instruction.Create(OpCodes.Ldc_I4, (int)value)
        : Instruction.Create(OpCodes.Ldc_I8, value);

    /// <summary>Of <c>TypeHandle: Name, Assembly</c>; methods are never named, for their arguments are missing.
    /// </summary>
    private Instruction Handle(string value)
    {
        const string start = "TypeHandle: ";
        return value.EndsWith("NULL", StringComparison.Ordinal) ? Number(0)
            : value.StartsWith(start, StringComparison.Ordinal) && Type(value[start.Length..]) is { } type
                ? Instruction.Create(OpCodes.Ldtoken, type)
                : Number(Unknown);
    }

    /// <summary>From <c>Name`1[Argument]</c> or <c>Name`1[[Argument, Assembly]], Assembly</c>.</summary>
    private TypeReference? Type(string text)
    {
        text = Items(text)[0];
        if (text.EndsWith("[]", StringComparison.Ordinal))
        {
            return Type(text[..^2]) is { } element ? new ArrayType(element) : null;
        }
        if (text == "System.__Canon")
        {
            return _shared;
        }
        (string name, string[] arguments) = Parts(text);
        if (!_types.TryGetValue(name, out TypeDefinition? type) || type.GenericParameters.Count != arguments.Length)
        {
            return null;
        }
        TypeReference imported = _module.ImportReference(type);
        if (arguments.Length == 0)
        {
            return imported;
        }
        var instance = new GenericInstanceType(imported);
        foreach (string argument in arguments)
        {
            if (Type(argument.StartsWith('[') ? argument[1..^1] : argument) is not { } of)
            {
                return null;
            }
            instance.GenericArguments.Add(of);
        }
        return instance;
    }

    private static (string Name, string[] Arguments) Parts(string type) => type.IndexOf('[') is >= 0 and var bracket
        ? (type[..bracket], Items(type[(bracket + 1)..^1]))
        : (type, []);

    /// <summary>What stands between the commas that are in no brackets.</summary>
    private static string[] Items(string text)
    {
        var items = new List<string>();
        int depth = 0;
        int from = 0;
        for (int at = 0; at < text.Length; at++)
        {
            depth += text[at] switch { '[' => 1, ']' => -1, _ => 0 };
            if (text[at] == ',' && depth == 0)
            {
                items.Add(text[from..at].Trim());
                from = at + 1;
            }
        }
        return [.. items, text[from..].Trim()];
    }
}
