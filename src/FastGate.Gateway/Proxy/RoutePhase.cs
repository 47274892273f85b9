using FastGate.Gateway.Routing;
using FastGate.Gateway.Stats;
using FastGate.Http;

namespace FastGate.Gateway.Proxy;

/// <summary>Phases 2 and 3: what the request is for, and whether it may go on. A refusal is a reason in the
/// exchange.</summary>
internal static class RoutePhase
{
    /// <summary>Of a path with parameters; beyond it, nobody looks which route it has without them.</summary>
    private const int ParametersPathBytesMax = 8 * 1024;

    /// <summary>A head that could not be read: the request is known only as far as the rule it broke.</summary>
    public static void Refuse(Exchange exchange, GateLane lane, ParseStatus status)
    {
        exchange.NewRequestId(lane.Ids);
        if (status == ParseStatus.Complete)
        {
            return; // The reason is noted: the head did not come in time.
        }
        exchange.Fail(status.StatusCode() switch
        {
            414 => Reason.TargetTooLong,
            417 => Reason.ExpectationFailed,
            431 => Reason.HeadTooLarge,
            501 => Reason.NotImplemented,
            505 => Reason.VersionNotSupported,
            _ => Reason.BadRequest,
        });
    }

    public static void Find(Exchange exchange, GateLane lane)
    {
        ReadForwarding(exchange, lane);
        if (lane.MustRefuse(exchange))
        {
            return;
        }
        if (exchange.Request.Headers.HasUnderscores
            && exchange.Table.Client.UnderscoreHeaders == UnderscoreHandling.Refuse)
        {
            exchange.Fail(Reason.BadRequest);
            return;
        }
        if (!TryNormalize(exchange, out bool hasEncodedSlash))
        {
            return;
        }
        if (Match(exchange, lane, hasEncodedSlash))
        {
            Admit(exchange);
        }
    }

    /// <summary>Who asks and under which id: a trusted peer's word, or what we see.</summary>
    private static void ReadForwarding(Exchange exchange, GateLane lane)
    {
        exchange.PeerIsTrusted = exchange.Loop.PeerIsTrusted;
        if (!exchange.PeerIsTrusted)
        {
            exchange.NewRequestId(lane.Ids);
            return;
        }
        HeaderTable headers = exchange.Request.Headers;
        int id = headers.IndexOf(HeaderId.XRequestId);
        if (id >= 0 && RequestIds.IsValid(headers[id].Value.Of(exchange.HeadBytes)))
        {
            exchange.SetRequestId(headers[id].Value.Of(exchange.HeadBytes));
        }
        else
        {
            exchange.NewRequestId(lane.Ids);
        }
        ReadForwardedFor(exchange, headers);
    }

    /// <summary>Several fields are one list (RFC 9110 section 5.3), read from its end.</summary>
    private static void ReadForwardedFor(Exchange exchange, HeaderTable headers)
    {
        for (int i = headers.LastIndexOf(HeaderId.XForwardedFor); i >= 0; i--)
        {
            if (headers[i].Id != HeaderId.XForwardedFor)
            {
                continue;
            }
            Slice value = headers[i].Value;
            bool goesOn = exchange.Table.TrustedProxies.FindClient(
                value.Of(exchange.HeadBytes), out Range found, out IpNumber client);
            (int offset, int length) = found.GetOffsetAndLength(value.Length);
            if (length > 0)
            {
                exchange.SetClientAddress(new Slice(value.Offset + offset, length), client);
            }
            if (!goesOn)
            {
                return;
            }
        }
    }

    /// <summary>Brings the path to the one form that is matched and forwarded.</summary>
    private static bool TryNormalize(Exchange exchange, out bool hasEncodedSlash)
    {
        hasEncodedSlash = false;
        RequestHead request = exchange.Request;
        if (request.Form == TargetForm.Authority)
        {
            // CONNECT: no route can ask for it, whatever its path would be.
            exchange.Fail(Reason.MethodNotAllowed);
            return false;
        }
        if (request.Path.IsEmpty)
        {
            // "*", or an absolute target without a path (RFC 9110 section 4.2.3).
            exchange.PathRoom(1)[0] = (byte)'/';
            exchange.SetPath(1);
            return true;
        }
        ReadOnlySpan<byte> sent = exchange.Path;
        if (PathNormalizer.IndexOfSuspect(sent) < 0)
        {
            return true;
        }
        PathPolicy policy = exchange.Table.Client.Path == PathHandling.Refuse
            ? PathPolicy.Refuse
            : PathPolicy.Normalize;
        Span<byte> room = exchange.PathRoom(PathNormalizer.NormalBytesMax(sent.Length));
        NormalPath normal = PathNormalizer.Normalize(sent, room, policy);
        if (!normal.IsUsable)
        {
            exchange.Fail(Reason.BadRequest);
            return false;
        }
        if (normal.IsRewritten)
        {
            exchange.SetPath(normal.Length);
        }
        hasEncodedSlash = normal.HasEncodedSlash;
        return true;
    }

    /// <summary>What of an exchange decides where it goes.</summary>
    public static RouteRequest RequestOf(Exchange exchange) => new()
    {
        Listener = exchange.Loop.Listener,
        Host = exchange.Authority,
        Path = exchange.Path,
        Method = exchange.Request.Method,
        MethodName = exchange.Request.MethodName.Of(exchange.HeadBytes),
        Head = exchange.Request,
        HeadBytes = exchange.HeadBytes,
        ClientIp = exchange.ClientIp,
    };

    private static bool Match(Exchange exchange, GateLane lane, bool hasEncodedSlash)
    {
        RequestHead request = exchange.Request;
        switch (exchange.Table.Routes.Match(RequestOf(exchange), out exchange.Match))
        {
            case MatchOutcome.NotFound:
                exchange.Fail(Reason.NoRoute);
                return false;
            case MatchOutcome.MethodNotAllowed:
                exchange.Fail(Reason.MethodNotAllowed);
                return false;
        }
        exchange.Route = exchange.Match.Value;
        lane.Stats.Began(exchange.Route!.Id);
        if (request.MaxForwards == 0 && exchange.Route!.Upstream is not null)
        {
            EndHere(exchange);
        }
        if ((hasEncodedSlash && !exchange.Route!.EncodedSlash)
            || (PathParameters.AreIn(exchange.Path) && ParametersDecide(exchange)))
        {
            exchange.Fail(Reason.BadRequest);
            return false;
        }
        return exchange.Reason == Reason.None;
    }

    /// <summary>Whether the request has another route without its path parameters, or none: behind us it would be read
    /// as one that went past its route. A pattern that has parameters itself is meant so.</summary>
    private static bool ParametersDecide(Exchange exchange)
    {
        foreach (ref readonly PatternSegment segment in exchange.Match.Pattern!.Segments)
        {
            if (PathParameters.AreIn(segment.Literal))
            {
                return false;
            }
        }
        if (exchange.Path.Length > ParametersPathBytesMax)
        {
            return true;
        }
        Span<byte> room = stackalloc byte[ParametersPathBytesMax];
        int length = PathParameters.TakeOff(exchange.Path, room);
        RouteRequest bare = RequestOf(exchange) with { Path = room[..length] };
        return exchange.Table.Routes.Match(bare, out RouteMatch<Route> match) != MatchOutcome.Found
            || match.Value != exchange.Route;
    }

    /// <summary>A request that may go no further (RFC 9110 section 7.6.2) is the gate's own to answer: OPTIONS is,
    /// TRACE would show a client what proxies in front of us added and is not implemented.</summary>
    private static void EndHere(Exchange exchange)
    {
        if (exchange.Request.Method == Method.Trace)
        {
            exchange.Fail(Reason.NotImplemented);
        }
        exchange.EndsHere = true;
    }

    private static void Admit(Exchange exchange)
    {
        if (exchange.Request.Framing == BodyFraming.Length
            && exchange.Request.ContentLength > exchange.Route!.BodyBytesMax)
        {
            exchange.Fail(Reason.BodyTooLarge);
        }
    }
}
