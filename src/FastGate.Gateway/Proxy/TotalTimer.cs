using FastGate.Net.Time;

namespace FastGate.Gateway.Proxy;

/// <summary>The bound on a whole exchange (<c>timeout.total</c>).</summary>
internal sealed class TotalTimer(Exchange exchange) : LaneTimer
{
    protected override void OnDue() => exchange.OnTotalTimeout();
}
