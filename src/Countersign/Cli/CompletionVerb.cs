using System.CommandLine;

namespace Countersign.Cli;

/// <summary>
/// <c>countersign completion</c>: a script for a shell. It asks the program itself what can follow, by the parser's own
/// <c>[suggest]</c>, so that it's never behind the program.
/// </summary>
internal static class CompletionVerb
{
    private static readonly Dictionary<string, string> Scripts = new()
    {
        ["bash"] = """
            # countersign completion bash > /etc/bash_completion.d/countersign
            _countersign() {
                local line=${COMP_LINE:0:COMP_POINT}
                line=${line#* }
                local IFS=$'\n'
                COMPREPLY=($(compgen -W "$(countersign "[suggest:${#line}]" "$line" 2>/dev/null)" -- "$2"))
            }
            complete -o default -F _countersign countersign
            """,
        ["zsh"] = """
            #compdef countersign
            # countersign completion zsh > "${fpath[1]}/_countersign"
            _countersign() {
                local line="${BUFFER[1,CURSOR]}"
                line="${line#* }"
                local -a found
                found=("${(@f)$(countersign "[suggest:${#line}]" "$line" 2>/dev/null)}")
                if [[ -n "${found[*]}" ]]; then compadd -a found; else _files; fi
            }
            if [[ "${funcstack[1]}" == _countersign ]]; then
                _countersign "$@"
            else
                compdef _countersign countersign
            fi
            """,
        ["fish"] = """
            # countersign completion fish > ~/.config/fish/completions/countersign.fish
            function __countersign_complete
                set -l line (commandline -cp | string replace -r '^\S+\s?' '')
                countersign "[suggest:"(string length -- "$line")"]" "$line" 2>/dev/null
            end
            complete -c countersign -a '(__countersign_complete)'
            """,
        ["pwsh"] = """
            # countersign completion pwsh >> $PROFILE
            Register-ArgumentCompleter -Native -CommandName countersign -ScriptBlock {
                param($word, $ast, $position)
                $line = $ast.ToString().PadRight($position).Substring(0, $position) -replace '^\S+\s?', ''
                countersign "[suggest:$($line.Length)]" $line 2>$null |
                    Where-Object { $_ -like "$word*" } |
                    ForEach-Object {
                        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
                    }
            }
            """,
    };

    public static Command Build(Terminal terminal)
    {
        var shell = new Argument<string>("shell") { Description = "bash, zsh, fish or pwsh." };
        shell.AcceptOnlyFromAmong([.. Scripts.Keys]);
        return Verb.Plain(
            terminal,
            "completion",
            "Print a script that completes verbs and options in a shell.",
            [shell],
            (parse, _) =>
            {
                var script = Scripts[parse.GetValue(shell)!];
                return Task.FromResult<Reply>(new Reply.Done(new { script }, script));
            }
        );
    }

    /// <summary>Whether a shell asks what can follow, which is no call of a verb.</summary>
    public static bool Asks(string[] args) =>
        args is [var first, ..] && first.StartsWith("[suggest", StringComparison.Ordinal);
}
