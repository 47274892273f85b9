namespace FastGate.Net;

/// <summary>Readers and writers of a lane that no connection needs now. The last that was given back is taken
/// first.</summary>
internal sealed class ConnectionHalves
{
    /// <summary>Of each kind; those of more connections that were busy at a time are left to the collector.</summary>
    private const int KeptMax = 1024;

    private ConnectionReader? _readers;
    private ConnectionWriter? _writers;
    private int _readerCount;
    private int _writerCount;

    public ConnectionReader TakeReader()
    {
        if (_readers is not { } reader)
        {
            return new ConnectionReader();
        }
        _readers = reader.NextFree;
        reader.NextFree = null;
        _readerCount--;
        return reader;
    }

    public ConnectionWriter TakeWriter()
    {
        if (_writers is not { } writer)
        {
            return new ConnectionWriter();
        }
        _writers = writer.NextFree;
        writer.NextFree = null;
        _writerCount--;
        return writer;
    }

    public void GiveBack(ConnectionReader reader)
    {
        if (_readerCount < KeptMax)
        {
            _readerCount++;
            reader.NextFree = _readers;
            _readers = reader;
        }
    }

    public void GiveBack(ConnectionWriter writer)
    {
        if (_writerCount < KeptMax)
        {
            _writerCount++;
            writer.NextFree = _writers;
            _writers = writer;
        }
    }
}
