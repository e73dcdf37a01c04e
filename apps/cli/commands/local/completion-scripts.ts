// Completion scripts for shells. Each walks the words before the cursor down the tree of commands, and offers what can
// stand where it arrives: commands and choices, or options for a word that begins with a dash.

export interface Node {
  /** The words that lead there; empty for the beginning. */
  readonly path: string;
  /** With their descriptions. */
  readonly commands: readonly (readonly [string, string])[];
  readonly options: readonly (readonly [string, string])[];
  readonly choices: readonly string[];
}

type Script = (nodes: readonly Node[]) => string;

export const SCRIPTS: Readonly<Record<string, Script>> = { bash, zsh, fish };

const namesOf = (pairs: Node['commands']): string => pairs.map(([name]) => name).join(' ');

/** The same in bash and zsh: which of the words before the cursor lead down the tree. */
const walk = (nodes: readonly Node[], words: string): string => `  local at='' word
  for word in ${words}; do
    case "$at $word" in
${nodes
  .filter(({ path }) => path !== '')
  .map(({ path }) => `      ' ${path}') at="$at $word" ;;`)
  .join('\n')}
    esac
  done
  local words='' options=''
  case "$at" in
${nodes
  .map(
    ({ path, commands, choices, options }) =>
      `    '${path === '' ? '' : ` ${path}`}') words='${[namesOf(commands), ...choices].join(' ').trim()}' options='${namesOf(options)}' ;;`,
  )
  .join('\n')}
  esac`;

function bash(nodes: readonly Node[]): string {
  return `# Completion of carillon for bash: source <(carillon completion bash)
_carillon() {
${walk(nodes, '"${COMP_WORDS[@]:1:COMP_CWORD-1}"')}
  local typed="\${COMP_WORDS[COMP_CWORD]}"
  [[ $typed == -* ]] && words=$options
  COMPREPLY=($(compgen -W "$words" -- "$typed"))
}
complete -o default -F _carillon carillon
`;
}

function zsh(nodes: readonly Node[]): string {
  return `#compdef carillon
# Completion of carillon for zsh: source <(carillon completion zsh)
_carillon() {
  local -a before=("\${(@)words[2,CURRENT-1]}")
  local typed="\${words[CURRENT]}"
${walk(nodes, '"${before[@]}"').replaceAll("local words=''", "local offered=''").replaceAll(') words=', ') offered=')}
  [[ $typed == -* ]] && offered=$options
  if [[ -n $offered ]]; then compadd -- \${=offered}; else _files; fi
}
(( $+functions[compdef] )) && compdef _carillon carillon
`;
}

function fish(nodes: readonly Node[]): string {
  const paths = nodes.filter(({ path }) => path !== '').map(({ path }) => `            case ' ${path}'`);
  const offers = nodes.flatMap(({ path, commands, options, choices }) => {
    const start = `complete -c carillon -n '__carillon_at "${path === '' ? '' : ` ${path}`}"'`;
    return [
      ...commands.map(([name, description]) => `${start} -f -a ${name} -d '${quoted(description)}'`),
      ...choices.map((choice) => `${start} -f -a ${choice}`),
      ...options.map(([long, description]) => `${start} -l ${long.slice(2)} -d '${quoted(description)}'`),
    ];
  });
  return `# Completion of carillon for fish: carillon completion fish | source
function __carillon_at
    set -l at ''
    for word in (commandline -opc)[2..-1]
        switch "$at $word"
${paths.map((line) => `${line}\n                set at "$at $word"`).join('\n')}
        end
    end
    test "$at" = "$argv[1]"
end
${offers.join('\n')}
`;
}

function quoted(text: string): string {
  return text.replaceAll(/['\\]/g, String.raw`\$&`);
}
