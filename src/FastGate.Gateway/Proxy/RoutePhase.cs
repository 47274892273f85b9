using FastGate.Gateway.Routing;
using FastGate.Gateway.Stats;
using FastGate.Http;

namespace FastGate.Gateway.Proxy;

/// <summary>Phases 2 and 3: what the request is for, and whether it may go on. A refusal is a reason in the
/// exchange.</summary>
internal static class RoutePhase
{
    /// <summary>Of a path with parameters or escapes; beyond it, nobody looks which route it has without
    /// them.</summary>
    private const int OtherPathBytesMax = 8 * 1024;

    /// <summary>Fields that speak of the client and are believed only from a trusted proxy.</summary>
    private static readonly ulong s_forwarding = HeaderTable.Ids(HeaderId.Forwarded, HeaderId.XRealIp,
        HeaderId.XForwardedFor, HeaderId.XForwardedProto, HeaderId.XForwardedHost, HeaderId.XForwardedPort,
        HeaderId.XRequestId);

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
        }, RuleWords.Of(status));
    }

    public static void Find(Exchange exchange, GateLane lane)
    {
        ReadForwarding(exchange, lane);
        LeaveOutUnbelieved(exchange);
        if (lane.MustRefuse(exchange))
        {
            return;
        }
        if (exchange.Request.Headers.HasUnderscores && AreUnderscoresRefused(exchange))
        {
            exchange.Fail(Reason.BadRequest, RuleWords.UnderscoreHeaders);
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

    /// <summary>Where they may pass, one that says how long the message is may not: the server behind could believe
    /// it.</summary>
    private static bool AreUnderscoresRefused(Exchange exchange) => exchange.Table.Client.UnderscoreHeaders switch
    {
        UnderscoreHandling.Refuse => true,
        UnderscoreHandling.Pass => exchange.Request.Headers.HasUnderscoredFraming,
        _ => false,
    };

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

    /// <summary>Names with underscores, unless they may pass and are no other spelling of known ones (a trusted peer's
    /// too: a server would read them and the field that the gate writes as one), and what speaks of the client without
    /// being believed. Before the route is looked for: what the upstream does not get must not have chosen
    /// it.</summary>
    private static void LeaveOutUnbelieved(Exchange exchange)
    {
        HeaderTable headers = exchange.Request.Headers;
        HeaderFlags flags = HeaderFlags.None;
        ulong ids = exchange.PeerIsTrusted ? 0 : s_forwarding;
        if (headers.HasUnderscores)
        {
            flags |= exchange.Table.Client.UnderscoreHeaders == UnderscoreHandling.Pass
                ? HeaderFlags.Respelt
                : HeaderFlags.Underscore;
        }
        if (headers.HasSpeakersOfClient && !exchange.PeerIsTrusted)
        {
            flags |= HeaderFlags.SpeaksOfClient;
        }
        if (flags == HeaderFlags.None && !headers.HasAny(ids))
        {
            return;
        }
        for (int i = 0; i < headers.Count; i++)
        {
            if ((headers[i].Flags & flags) != 0 || ((ids >> (int)headers[i].Id) & 1) != 0)
            {
                headers.LeaveOut(i);
            }
        }
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
            exchange.Fail(Reason.BadRequest, RuleWords.Of(normal.Rule));
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
        if (hasEncodedSlash && !exchange.Route!.EncodedSlash)
        {
            exchange.Fail(Reason.BadRequest, RuleWords.EncodedSlash);
        }
        else if (IsElsewhereForOthers(exchange, hasEncodedSlash))
        {
            exchange.Fail(Reason.BadRequest, RuleWords.AnotherRoute);
        }
        return exchange.Reason == Reason.None;
    }

    /// <summary>Whether servers that take off path parameters, or decode what a path need not have encoded, read the
    /// path as one that has another route here: behind us it would have gone past that.</summary>
    private static bool IsElsewhereForOthers(Exchange exchange, bool hasEncodedSlash)
    {
        ReadOnlySpan<byte> path = exchange.Path;
        bool parameters = PathParameters.AreIn(path) && !HasPattern(exchange, PathParameters.AreIn);
        bool escapes = PathEscapes.AreIn(path) && !HasPattern(exchange, PathEscapes.AreIn);
        if (!parameters && !escapes)
        {
            return false;
        }
        if (path.Length > OtherPathBytesMax)
        {
            return true;
        }
        Span<byte> bare = stackalloc byte[OtherPathBytesMax];
        if (parameters && (!IsRouted(exchange, bare[..PathParameters.TakeOff(path, bare)], out RouteMatch<Route> match)
            || match.Value != exchange.Route))
        {
            return true;
        }
        if (!escapes)
        {
            return false;
        }
        Span<byte> decoded = stackalloc byte[OtherPathBytesMax];
        decoded = decoded[..PathEscapes.Decode(path, decoded)];
        return IsForAnother(exchange, decoded, hasEncodedSlash)
            || (parameters && IsForAnother(exchange, bare[..PathParameters.TakeOff(decoded, bare)], hasEncodedSlash));
    }

    /// <summary>Where the route lets a name hold slashes, a route that names less of the path takes nothing from it by
    /// having more segments.</summary>
    private static bool IsForAnother(Exchange exchange, ReadOnlySpan<byte> path, bool hasEncodedSlash) =>
        IsRouted(exchange, path, out RouteMatch<Route> match) && match.Value != exchange.Route
            && (!hasEncodedSlash || Literals(match) > Literals(exchange.Match));

    private static bool IsRouted(Exchange exchange, ReadOnlySpan<byte> path, out RouteMatch<Route> match) =>
        exchange.Table.Routes.Match(RequestOf(exchange) with { Path = path }, out match) == MatchOutcome.Found;

    private static int Literals(in RouteMatch<Route> match)
    {
        int count = 0;
        foreach (ref readonly PatternSegment segment in match.Pattern!.Segments)
        {
            count += segment.Kind == SegmentKind.Literal ? 1 : 0;
        }
        return count;
    }

    /// <summary>A pattern that has such a thing itself is meant so.</summary>
    private static bool HasPattern(Exchange exchange, PathTest test)
    {
        foreach (ref readonly PatternSegment segment in exchange.Match.Pattern!.Segments)
        {
            if (test(segment.Literal))
            {
                return true;
            }
        }
        return false;
    }

    private delegate bool PathTest(ReadOnlySpan<byte> path);

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
