using Microsoft.Win32.SafeHandles;

namespace FastGate.Cli;

/// <summary>Descriptors 0 to 2, where whoever started the process has closed them.</summary>
internal static class StandardFiles
{
    private const int Last = 2;

    /// <summary>Never closed.</summary>
    private static readonly List<SafeFileHandle> s_nothing = [];

    /// <summary>Opens them on nothing, before anything else is opened: a connection or an event loop would get the
    /// number that messages and the access log are written to.</summary>
    public static void OpenMissing()
    {
        try
        {
            while (true)
            {
                SafeFileHandle nothing = File.OpenHandle(
                    "/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
                if (nothing.DangerousGetHandle() > Last)
                {
                    nothing.Dispose();
                    return;
                }
                s_nothing.Add(nothing);
            }
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // Without a /dev they stay as they are, which is no worse than without this.
        }
    }
}
