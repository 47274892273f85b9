namespace FastGate.Gateway.Upstreams.Balancing;

/// <summary>Each server in its turn, as often as its weight says, and a heavy one's turns spread between the others',
/// as nginx's smooth weighted round robin does. There every choice looks at every server; here each server has the time
/// of its next turn, which moves on by one over its weight, and a heap knows the next of them. The servers begin in a
/// row over one round, and the lanes each at another place of that row, or all of them would send their first requests
/// to the same server.</summary>
internal sealed class RoundRobin(Upstream upstream, int lane, ulong seed) : Balancer(upstream, lane, seed)
{
    private Turn[] _turns = [];
    private double[] _steps = [];

    private readonly record struct Turn(double Due, int Place) : IComparable<Turn>
    {
        public int CompareTo(Turn other) => Due.CompareTo(other.Due);
    }

    protected override void Renew(long now)
    {
        int count = Set.Count;
        int start = (int)((Set.Start + ((long)LaneIndex * count / LaneCount)) % count);
        _turns = new Turn[count];
        _steps = Array.ConvertAll(Set.Weights, static weight => 1 / weight);
        for (int i = 0; i < count; i++)
        {
            int place = (start + i) % count;
            _turns[i] = new Turn(StepOf(place, now) * i / count, place);
        }
        Array.Sort(_turns);
    }

    protected override int Choose(long now, ulong key, in TriedServers tried)
    {
        for (int i = 0; i < DrawsMax; i++)
        {
            Turn next = _turns[0];
            Sink(new Turn(next.Due + StepOf(next.Place, now), next.Place));
            if (!tried.Contains(Set.Indices[next.Place]))
            {
                return next.Place;
            }
        }
        return AnyUntried(tried);
    }

    private double StepOf(int place, long now) =>
        now >= Set.WarmUntil ? _steps[place] : _steps[place] / Set.Share(place, now);

    /// <summary>Puts the first of the heap where it belongs now.</summary>
    private void Sink(Turn turn)
    {
        Turn[] turns = _turns;
        int at = 0;
        while (true)
        {
            int child = (2 * at) + 1;
            if (child >= turns.Length)
            {
                break;
            }
            // Which of the two it is nobody can foresee: no branch.
            int right = Math.Min(child + 1, turns.Length - 1);
            child = turns[right].Due < turns[child].Due ? right : child;
            Turn below = turns[child];
            if (below.Due >= turn.Due)
            {
                break;
            }
            turns[at] = below;
            at = child;
        }
        turns[at] = turn;
    }
}
