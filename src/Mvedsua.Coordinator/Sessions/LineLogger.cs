using Microsoft.Extensions.Logging;

namespace Mvedsua.Coordinator.Sessions;

/// <summary>Writes each message as one line of standard error, behind "mvedsua: ". Errors are never raised: a closed
/// standard error must not end the coordinator.</summary>
public sealed class LineLogger(LogLevel minimum = LogLevel.Information) : ILogger
{
    private readonly Lock _lock = new();

    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= minimum;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel)) return;
        string text = formatter(state, exception).ReplaceLineEndings(" ");
        if (exception is not null) text += $": {exception.Message}";
        string mark = logLevel switch { LogLevel.Warning => "warning: ", >= LogLevel.Error => "error: ", _ => "" };
        lock (_lock)
        {
            try
            {
                Console.Error.WriteLine($"mvedsua: {mark}{text}");
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
            }
        }
    }
}
