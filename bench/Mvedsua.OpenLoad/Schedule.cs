namespace Mvedsua.OpenLoad;

/// <summary>The moments at which requests are due, one after the other: decided before the load begins, so no answer can move them.</summary>
internal sealed class Schedule
{
    private readonly double _interval;
    private readonly long _begin, _end;
    private readonly Random? _random;
    private double _offset;

    /// <param name="begin">The first moment, in ns.</param>
    /// <param name="seconds">All are within so many.</param>
    /// <param name="rate">Requests per second; with a seed: on average.</param>
    /// <param name="poissonSeed">Null: a constant interval.</param>
    internal Schedule(long begin, double seconds, double rate, int? poissonSeed)
    {
        _interval = 1e9 / rate;
        (_begin, _end) = (begin, begin + (long)(seconds * 1e9));
        if (poissonSeed is { } seed) _random = new Random(seed);
    }

    /// <summary>The next moment, in ns.</summary>
    internal long Due => _begin + (long)_offset;

    /// <summary>There is no next one.</summary>
    internal bool IsOver => Due >= _end;

    internal void Advance() => _offset += _random is null ? _interval : -Math.Log(1 - _random.NextDouble()) * _interval;
}
