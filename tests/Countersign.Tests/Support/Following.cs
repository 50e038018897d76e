using Countersign.Storage;
using Countersign.Work;

namespace Countersign.Tests;

/// <summary>What the server's followers do, when a test says so.</summary>
internal static class Following
{
    /// <summary>Until the consumer has handled everything that is due now, or another node is at it.</summary>
    public static async Task ToTheEnd(this LogCursor cursor, Store store)
    {
        await store.GivePositions();
        while ((await cursor.Look(default)).IsBehind || (await cursor.Look(default)).HasWork)
        {
            if ((await cursor.Run()).IsElsewhere)
                return;
        }
    }
}
