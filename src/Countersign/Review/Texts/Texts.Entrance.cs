using System.Globalization;

namespace Countersign.Review;

internal partial class Texts
{
    // Signing in
    public virtual string SignInWrong => "E-mail address or password are not right. Please try again.";
    public virtual string SignInPageTooOld => "This page had been open for too long. Please try once more.";
    public virtual string SignInTooOften(TimeSpan wait) =>
        string.Create(CultureInfo.InvariantCulture, $"That was too often. Please wait {Math.Max(1, Math.Ceiling(wait.TotalMinutes)):0} min and try again; what you typed this time was not looked at.");
}
