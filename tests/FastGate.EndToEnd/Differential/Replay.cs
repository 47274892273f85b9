using System.Text;

namespace FastGate.EndToEnd.Differential;

/// <summary>Sends what the gate forwarded to a reader of others, as many requests on one connection as fit, and
/// compares what each was read as. A last request of our own shows that nothing was left over.</summary>
internal static class Replay
{
    private const string Last = "GET /last HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

    /// <summary>What can wait in the kernel while nobody reads answers.</summary>
    private const int BatchBytesMax = 32 * 1024;

    public static void AssertReadAlike(IndependentReader reader, IEnumerable<Captured> requests)
    {
        var batch = new List<Captured>();
        foreach (Captured request in requests)
        {
            if (reader.MayRefuse(request.Reading) || request.Reading.Has("Upgrade"))
            {
                AssertReadAlone(reader, request);
                continue;
            }
            if (batch.Sum(each => each.Bytes.Length) + request.Bytes.Length > BatchBytesMax)
            {
                AssertRead(reader, batch);
                batch.Clear();
            }
            batch.Add(request);
        }
        AssertRead(reader, batch);
    }

    private static void AssertRead(IndependentReader reader, List<Captured> batch)
    {
        using Wire wire = Wire.Connect(reader.Address);
        wire.TrySend(Encoding.Latin1.GetBytes(string.Concat(batch.Select(request => request.Bytes)) + Last));
        AssertRead(reader, batch, Answers(wire.ReadToEnd(out _), batch));
    }

    /// <summary>Nothing is sent behind it before it was answered: that is how the gate does it, and what is to come of
    /// bytes behind an upgrade that was not answered yet, or behind what is refused, nobody knows.</summary>
    private static void AssertReadAlone(IndependentReader reader, Captured request)
    {
        using Wire wire = Wire.Connect(reader.Address);
        wire.Send(request.Bytes);
        string answer = wire.ReadHead();
        while (Wire.StatusOf(answer) < 200)
        {
            answer = wire.ReadHead();
        }
        wire.TrySend(Encoding.Latin1.GetBytes(Last));
        List<Reading> answers = Answers(answer + wire.ReadToEnd(out _), [request]);
        if (!reader.MayRefuse(request.Reading) || answers is not [{ Status: >= 400 }])
        {
            AssertRead(reader, [request], answers);
        }
    }

    private static void AssertRead(IndependentReader reader, List<Captured> batch, List<Reading> answers)
    {
        for (int i = 0; i < batch.Count; i++)
        {
            Reading? told = i < answers.Count ? Reading.ToldIn(answers[i]) : null;
            StrictReader.Demand(told is not null, $"not read but answered {answers.ElementAtOrDefault(i)?.Start}",
                batch[i].Bytes);
            string expected = reader.Expected(batch[i]);
            string actual = reader.Told(told!);
            StrictReader.Demand(expected == actual, $"{expected}\nwas read as\n{actual}\n", batch[i].Bytes);
        }
        StrictReader.Demand(answers.Count == batch.Count + 1 && Reading.ToldIn(answers[^1])?.Start == "GET /last",
            "more or less than the last request behind", batch.LastOrDefault()?.Bytes ?? "");
    }

    /// <summary>The final answers, in order.</summary>
    private static List<Reading> Answers(string text, List<Captured> requests)
    {
        var answers = new List<Reading>();
        while (text.Length > 0)
        {
            bool toHead = answers.Count < requests.Count && requests[answers.Count].Reading.Method == "HEAD";
            Reading? answer = StrictReader.Answer(text, toHead, ended: true, out int length);
            StrictReader.Demand(answer is not null, "half an answer", text);
            text = text[length..];
            if (answer!.Status >= 200)
            {
                answers.Add(answer);
            }
        }
        return answers;
    }
}
