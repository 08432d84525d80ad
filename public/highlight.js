// Colours code in messages by its language. live.js loads it when a page has any. It marks ranges (CSS Custom Highlight
// API), so it changes nothing in the page, which belongs to the browser half and, before that, to its comparison with
// what the server sent. It knows signs and words that most languages share; what it does not know stays plain.
const KEYWORDS =
  "abstract and as assert async await begin bool boolean break byte case catch char class const continue def default defer del delete do done double elif else elsif end enum esac except export extends extern false fi final finally float fn for foreach from fun func function go goto if impl implements import in include inline instanceof int interface is lambda let long loop match mod module mut namespace new nil none not null nullptr of operator or override package pass private protected pub public raise ref return self short signed sizeof static str string struct super switch template then this throw throws trait true try type typedef typename typeof undefined union unless unsafe unsigned until use using var virtual void volatile when where while with yield";
const SQL =
  "add all alter as asc between by cascade check column commit constraint create default desc distinct drop exists foreign full group having index inner insert into join key left limit offset on order outer primary references returning right rollback select set table transaction unique update values view";
const words = (list, flags) => new RegExp(`\\b(?:${list.replaceAll(" ", "|")})\\b`, flags);
const KNOWN = words(KEYWORDS, "y");
const KNOWN_SQL = words(`${KEYWORDS} ${SQL}`, "yi");

const HASH = new Set("bash conf dockerfile elixir ini julia make makefile nix perl powershell ps1 py python r rb ruby sh shell toml yaml yml zsh".split(" "));
const DASHES = new Set("elm haskell hs lua sql".split(" "));
const MARKUP = new Set("html svg vue xml".split(" "));
/** Those in which '…' is a text; in the others it is one character, or a lifetime. */
const LONG_QUOTES = new Set([...HASH, "css", "js", "javascript", "jsx", "kotlin", "lua", "php", "sql", "ts", "tsx", "typescript", ...MARKUP]);
const NONE = new Set(["text", "txt", "plain", "console"]);

function rules(language) {
  if (NONE.has(language)) return [];
  if (language === "diff" || language === "patch")
    return [["string", /^\+.*/my], ["keyword", /^-.*/my], ["comment", /^(?:@@|diff|index).*/my]];
  const comment = HASH.has(language)
    ? /(?<![\w$&])#.*/y
    : DASHES.has(language)
      ? /--.*|\/\*[^]*?(?:\*\/|$)/y
      : MARKUP.has(language)
        ? /<!--[^]*?(?:-->|$)/y
        : /\/\/.*|\/\*[^]*?(?:\*\/|$)/y;
  const string = LONG_QUOTES.has(language)
    ? /"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\[^]|[^`\\])*`/y
    : /"(?:\\[^]|[^"\\])*"|'(?:\\.[^'\n]{0,8}|[^'\\\n])'|`[^`]*`/y;
  const keyword = MARKUP.has(language) ? /(?<=<\/?)[\w:-]+/y : language === "sql" ? KNOWN_SQL : KNOWN;
  return [["comment", comment], ["string", string], ["number", /\b(?:0x[\da-f_]+|\d[\d_]*(?:\.\d+)?)\w*/yi], ["keyword", keyword]];
}

/** The marked parts of a code: [kind, start, end]. */
function parts(code, language) {
  const found = [];
  const known = rules(language);
  const inWord = /[\w$]+/y;
  for (let at = 0; known.length && at < code.length; ) {
    let end = at;
    for (const [kind, rule] of known) {
      rule.lastIndex = at;
      const match = rule.exec(code);
      if (!match?.[0]) continue;
      end = at + match[0].length;
      found.push([kind, at, end]);
      break;
    }
    inWord.lastIndex = at;
    at = end > at ? end : at + (inWord.exec(code)?.[0].length || 1);
  }
  return found;
}

const kinds = Object.fromEntries(["comment", "string", "number", "keyword"].map((kind) => [kind, new Highlight()]));
for (const [kind, highlight] of Object.entries(kinds)) CSS.highlights.set(`code-${kind}`, highlight);
const painted = new Map();

/** Colours the code within these nodes, and forgets that which has left the page. */
export function paint(nodes) {
  for (const [code, ranges] of painted) {
    if (code.isConnected) continue;
    for (const [kind, range] of ranges) kinds[kind].delete(range);
    painted.delete(code);
  }
  for (const node of nodes) {
    for (const code of node.querySelectorAll?.("pre > code[class]") ?? []) {
      const text = code.firstChild;
      if (painted.has(code) || !code.isConnected || text?.nodeType !== Node.TEXT_NODE) continue;
      const ranges = parts(text.data, code.className.replace("language-", "")).map(([kind, start, end]) => {
        const range = new Range();
        range.setStart(text, start);
        range.setEnd(text, end);
        kinds[kind].add(range);
        return [kind, range];
      });
      painted.set(code, ranges);
    }
  }
}
