using System.Buffers;
using System.Globalization;
using System.Text;
using FastGate.Gateway.Routing;
using FastGate.Gateway.Upstreams;

namespace FastGate.Gateway.Admin;

/// <summary>What an operator asks for with <c>POST /upstreams/NAME/servers?address=...&amp;state=up|down|drain&amp;
/// weight=N</c>.</summary>
/// <param name="Address">Which server.</param>
/// <param name="State">Up, Down or Draining; null leaves it as it is.</param>
/// <param name="Weight">Null leaves it as it is.</param>
internal sealed record ServerOrder(ServerAddress Address, ServerState? State, int? Weight)
{
    private const int ShownCharsMax = 64;

    /// <param name="path">As sent.</param>
    /// <param name="upstream">The name, still encoded.</param>
    public static bool IsPath(ReadOnlySpan<byte> path, out ReadOnlySpan<byte> upstream)
    {
        upstream = default;
        if (path.StartsWith("/upstreams/"u8) && path.EndsWith("/servers"u8))
        {
            int length = path.Length - "/upstreams/"u8.Length - "/servers"u8.Length;
            upstream = length > 0 ? path.Slice("/upstreams/"u8.Length, length) : default;
        }
        return !upstream.IsEmpty && !upstream.Contains((byte)'/');
    }

    /// <param name="query">As sent, without its <c>?</c>.</param>
    /// <param name="problem">What is wrong, as a sentence, if it cannot be read.</param>
    /// <returns>Null, then.</returns>
    public static ServerOrder? Parse(ReadOnlySpan<byte> query, out string problem)
    {
        string? address = null;
        string? state = null;
        string? weight = null;
        while (RequestFields.NextParameter(ref query, out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value))
        {
            ref string? place = ref address;
            switch (name)
            {
                case var _ when name.SequenceEqual("address"u8):
                    break;
                case var _ when name.SequenceEqual("state"u8):
                    place = ref state;
                    break;
                case var _ when name.SequenceEqual("weight"u8):
                    place = ref weight;
                    break;
                default:
                    problem = $"there is no parameter '{Show(Encoding.UTF8.GetString(name))}': they are address, state"
                        + " and weight";
                    return null;
            }
            if (place is not null)
            {
                problem = $"'{Encoding.UTF8.GetString(name)}' stands twice";
                return null;
            }
            if (!TryDecode(value, out place))
            {
                problem = $"'{Encoding.UTF8.GetString(name)}' has a broken escape";
                return null;
            }
        }
        return Parse(address, state, weight, out problem);
    }

    private static ServerOrder? Parse(string? address, string? state, string? weight, out string problem)
    {
        problem = "";
        ServerAddress? server = null;
        ServerState? wanted = null;
        int? share = null;
        if (address is null)
        {
            problem = "which server? write address=10.0.0.12:80, as the configuration has it";
        }
        else if (!ServerAddress.TryParse(address, out server, out string error, out string? hint))
        {
            problem = $"address: {Show(error)}{(hint is null ? "" : $" ({Show(hint)})")}";
        }
        else if (state is null && weight is null)
        {
            problem = "what is to change? write state=up, down or drain, or weight=N, or both";
        }
        else if (state is not null && (wanted = StateOf(state)) is null)
        {
            problem = $"state is up, down or drain, not '{Show(state)}'";
        }
        else if (weight is not null && (share = WeightOf(weight)) is null)
        {
            problem = string.Create(CultureInfo.InvariantCulture,
                $"weight is a whole number from 1 to {UpstreamServer.WeightMax}, not '{Show(weight)}'");
        }
        return problem.Length == 0 ? new ServerOrder(server!, wanted, share) : null;
    }

    private static ServerState? StateOf(string text) => text switch
    {
        "up" => ServerState.Up,
        "down" => ServerState.Down,
        "drain" => ServerState.Draining,
        _ => null,
    };

    private static int? WeightOf(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int weight)
        && weight is >= 1 and <= UpstreamServer.WeightMax
            ? weight
            : null;

    /// <summary>A plus is a plus: this is no form, and no address has a space.</summary>
    private static bool TryDecode(ReadOnlySpan<byte> encoded, out string decoded)
    {
        decoded = "";
        var bytes = new ArrayBufferWriter<byte>(encoded.Length + 1);
        while (!encoded.IsEmpty)
        {
            byte b = encoded[0];
            int length = 1;
            if (b == (byte)'%')
            {
                if (!PathNormalizer.TryReadEscape(encoded, out b))
                {
                    return false;
                }
                length = 3;
            }
            bytes.GetSpan(1)[0] = b;
            bytes.Advance(1);
            encoded = encoded[length..];
        }
        decoded = Encoding.UTF8.GetString(bytes.WrittenSpan);
        return true;
    }

    /// <summary>As an answer repeats it: no more than is needed to recognise it.</summary>
    internal static string Show(string text)
    {
        if (text.Length <= ShownCharsMax)
        {
            return text;
        }
        int length = char.IsHighSurrogate(text[ShownCharsMax - 1]) ? ShownCharsMax - 1 : ShownCharsMax;
        return text[..length] + "...";
    }
}
