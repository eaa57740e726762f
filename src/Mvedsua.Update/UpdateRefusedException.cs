namespace Mvedsua.Update;

/// <summary>
/// The update can't be made. The message is for people: what is in the way, where, why, and the cure. Thrown before anything was
/// written into a process where the files alone show it; otherwise the copy that was being updated is to be ended.
/// </summary>
public class UpdateRefusedException : Exception
{
    /// <summary>A refusal with its message.</summary>
    public UpdateRefusedException(string message) : base(message)
    {
    }

    /// <summary>A refusal that another error led to.</summary>
    public UpdateRefusedException(string message, Exception cause) : base(message, cause)
    {
    }
}
