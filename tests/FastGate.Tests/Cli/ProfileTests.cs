using System.IO.Compression;
using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using FastGate.Tests.Architecture;

namespace FastGate.Tests.Cli;

/// <summary>The profile of the native build names methods. What it names and is no longer there costs nothing but speed,
/// so nobody would notice.</summary>
public sealed class ProfileTests
{
    private const BindingFlags Any = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public
        | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    /// <summary>Methods that the compiler makes are numbered, and a new one before them moves all numbers of a class.
    /// </summary>
    private const double FoundMin = 0.9;

    private static readonly string s_file = Path.Combine(SourceTree.Root, "src/FastGate.Cli/fastgate.mibc");

    [Fact]
    public void The_profile_names_methods_that_exist()
    {
        using PEReader file = Open();
        MetadataReader reader = file.GetMetadataReader();
        string[] named = [.. reader.MemberReferences.Select(handle => Named(reader, handle)).OfType<(string, string)>()
            .Select(static member => $"{member.Item1}::{member.Item2}")];
        string[] missing = [.. named.Where(name => !Exists(name))];
        Assert.True(named.Length > 100, $"only {named.Length} methods of ours");
        Assert.True(missing.Length <= (1 - FoundMin) * named.Length,
            $"{missing.Length} of {named.Length} methods are gone, so the native build is slower than it could be: "
            + $"dotnet run -c Release --project bench/FastGate.Profile\n{string.Join('\n', missing)}");
    }

    private static PEReader Open()
    {
        using ZipArchive zip = ZipFile.OpenRead(s_file);
        using Stream entry = zip.Entries.Single().Open();
        var bytes = new MemoryStream();
        entry.CopyTo(bytes);
        bytes.Position = 0;
        return new PEReader(bytes);
    }

    private static bool Exists(string name)
    {
        (string type, string method) = (name[..name.IndexOf("::", StringComparison.Ordinal)],
            name[(name.IndexOf("::", StringComparison.Ordinal) + 2)..]);
        return (method is ".ctor" or ".cctor"
            ? Type.GetType(type)?.GetConstructors(Any).Cast<MethodBase>()
            : Type.GetType(type)?.GetMethods(Any).Where(each => each.Name == method))?.Any() == true;
    }

    /// <returns>The type, with its assembly, and the method; null where it is not ours.</returns>
    private static (string Type, string Method)? Named(MetadataReader reader, MemberReferenceHandle handle)
    {
        MemberReference member = reader.GetMemberReference(handle);
        EntityHandle parent = member.Parent;
        if (parent.Kind == HandleKind.TypeSpecification)
        {
            // GENERICINST (CLASS | VALUETYPE) type arguments (ECMA-335 II.23.2.12)
            BlobReader signature = reader.GetBlobReader(
                reader.GetTypeSpecification((TypeSpecificationHandle)parent).Signature);
            signature.Offset = 2;
            parent = signature.ReadTypeHandle();
        }
        if (parent.Kind != HandleKind.TypeReference)
        {
            return null;
        }
        (string type, string assembly) = NameOf(reader, (TypeReferenceHandle)parent);
        return assembly.StartsWith("FastGate.", StringComparison.Ordinal)
            ? ($"{type}, {assembly}", reader.GetString(member.Name))
            : null;
    }

    private static (string Type, string Assembly) NameOf(MetadataReader reader, TypeReferenceHandle handle)
    {
        TypeReference type = reader.GetTypeReference(handle);
        string name = reader.GetString(type.Name);
        if (type.ResolutionScope.Kind == HandleKind.TypeReference)
        {
            (string outer, string assembly) = NameOf(reader, (TypeReferenceHandle)type.ResolutionScope);
            return ($"{outer}+{name}", assembly);
        }
        string space = reader.GetString(type.Namespace);
        return (space.Length == 0 ? name : $"{space}.{name}", reader.GetString(
            reader.GetAssemblyReference((AssemblyReferenceHandle)type.ResolutionScope).Name));
    }
}
