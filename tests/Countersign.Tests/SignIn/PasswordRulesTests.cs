using Countersign.SignIn;
using Xunit;

namespace Countersign.Tests;

public sealed class PasswordRulesTests
{
    [Theory]
    [InlineData("short")]
    [InlineData("password123")]
    [InlineData("Password2026!")]
    [InlineData("P@ssw0rd!!")]
    [InlineData("passw0rd1234")]
    [InlineData("1234567890")]
    [InlineData("0987654321")]
    [InlineData("12345678910")]
    [InlineData("1111111111")]
    [InlineData("abcabcabcabc")]
    [InlineData("qwertyuiop")]
    [InlineData("QwertyUiop1")]
    [InlineData("qwerty123456")]
    [InlineData("1q2w3e4r5t")]
    [InlineData("1qaz2wsx3edc")]
    [InlineData("abcdefghij")]
    [InlineData("iloveyou123")]
    [InlineData("letmein2026")]
    [InlineData("Summer2026!")]
    [InlineData("Welcome12345")]
    [InlineData("admin123456")]
    [InlineData("countersign1")]
    [InlineData("correcthorsebatterystaple")]
    [InlineData("ann.approver")]
    [InlineData("AnnApprover1")]
    [InlineData("ann.approver@example.test")]
    public void What_everybody_tries_first_is_refused(string password) =>
        Assert.NotNull(PasswordRules.Problem(password, "ann.approver@example.test", "Ann Approver"));

    [Theory]
    [InlineData("correct horse battery")]
    [InlineData("another one entirely")]
    [InlineData("vK3-hx9!qLp2")]
    [InlineData("8471920365")]
    [InlineData("Annabel plays chess on Sundays")]
    [InlineData("пароль подлиннее")]
    [InlineData("ein sehr langes Kennwort")]
    public void What_somebody_thought_of_is_taken(string password) =>
        Assert.Null(PasswordRules.Problem(password, "ann.approver@example.test", "Ann Approver"));
}
