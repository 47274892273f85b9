namespace FastGate.Tests.Http;

/// <summary>The cases as the test framework counts them.</summary>
internal static class MessageCaseTitles
{
    public static TheoryData<string> Of(IReadOnlyList<MessageCase> cases) => [.. cases.Select(each => each.Title)];
}
