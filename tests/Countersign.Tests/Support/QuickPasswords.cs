using System.Runtime.CompilerServices;
using Countersign.SignIn;

namespace Countersign.Tests;

/// <summary>
/// A tenth of a second for each password is what those who guess shall pay. What the program itself takes is seen in
/// <see cref="Cli.ProgramTests"/>, in a process of its own.
/// </summary>
internal static class QuickPasswords
{
    [ModuleInitializer]
    internal static void Use() => PasswordHashing.IterationsUsed = 1_000;
}
