namespace Countersign.People;

/// <summary>How email addresses are compared wherever a person is looked up by one.</summary>
public static class EmailAddress
{
    /// <summary>
    /// Only ASCII letters are folded. Folding more would make other letters stand for them: the Kelvin sign becomes a
    /// k, and its owner would sign in as the person whose address has the k.
    /// </summary>
    public static string KeyOf(string address) =>
        string.Create(
            address.Trim().Length,
            address.Trim(),
            (key, text) =>
            {
                for (var i = 0; i < key.Length; i++)
                    key[i] = char.IsAsciiLetterUpper(text[i]) ? (char)(text[i] | 0x20) : text[i];
            }
        );
}
