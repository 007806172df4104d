/**
 * Looks for words that this code base does not use (scripts/words.json) in identifiers, comments, texts and documents.
 *
 *   node scripts/words.mjs [--count] [path …]
 *
 * Exit status: 0 if none was found, 1 otherwise.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import ts from 'typescript';

const data = JSON.parse(readFileSync(new URL('words.json', import.meta.url), 'utf8'));
const rules = data.forbidden.map(({ pattern, write }) => ({ pattern: new RegExp(pattern, 'i'), write }));
const sentences = rules.map(({ pattern, write }) => ({
  pattern: new RegExp(pattern.source, isCased(pattern) ? 'g' : 'gi'),
  write,
}));
/** Any of them: nearly every text has none. */
const anyOf = (cased) => {
  const sources = sentences.filter(({ pattern }) => pattern.ignoreCase !== cased).map(({ pattern }) => pattern.source);
  return new RegExp(
    sources.length === 0 ? '(?!)' : sources.map((source) => `(?:${source})`).join('|'),
    cased ? '' : 'i',
  );
};
const [cased, uncased] = [anyOf(true), anyOf(false)];
/** identifiers without any; most occur many times */
const clean = new Set();
const allowed = new Set(data.identifiers.allowed);
/** An exception with a text is about this text only, in this spelling; one without is about the whole file. */
const excepted = (file, found) =>
  data.exceptions.find(
    (each) => each.text === found && (file === each.file || (each.file.endsWith('/') && file.startsWith(each.file))),
  );

/** A rule about the first word of a sentence is about its capital letter. */
function isCased({ source }) {
  return source.includes('What|Who');
}

const args = process.argv.slice(2);
const paths = args.filter((each) => !each.startsWith('--'));
const files = execFileSync('git', ['ls-files', '--', ...(paths.length > 0 ? paths : ['.'])], { encoding: 'utf8' })
  .split('\n')
  .filter((file) => /\.(tsx?|mjs|cjs|md|yml|qnt|py)$|^docs\/.*\.yaml$|^\.ci\/run$|^Dockerfile$/.test(file));

const findings = files
  .filter((file) => !excepted(file))
  .flatMap(check)
  .filter(({ file, text }) => !excepted(file, text));
if (args.includes('--count')) {
  const per = new Map();
  for (const { file } of findings) per.set(file, (per.get(file) ?? 0) + 1);
  for (const [file, count] of per) console.log(`${String(count).padStart(5)} ${file}`);
} else for (const { file, line, text, write } of findings) console.log(`${file}:${line}: "${text}": write ${write}`);
console.log(findings.length === 0 ? 'words: none of the forbidden ones' : `words: ${findings.length} to replace`);
process.exitCode = findings.length === 0 ? 0 : 1;

function check(file) {
  const text = readFileSync(file, 'utf8');
  return /\.(tsx?|mjs|cjs)$/.test(file) ? checkSource(file, text) : checkText(file, text, 0, () => 1);
}

/** Every piece of text in a source: identifiers split at their capitals, literals and comments as they are. */
function checkSource(file, text) {
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true); // a name in .tsx is read as JSX
  const found = [];
  const lineAt = (position) => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node) => {
    if (ts.isJSDoc(node)) return; // its text is checked with the other comments
    if (node.getChildCount(source) > 0) return node.getChildren(source).forEach(visit);
    found.push(...checkText(file, text.slice(node.getFullStart(), node.getStart(source)), node.getFullStart(), lineAt));
    const own = node.getText(source);
    if (ts.isIdentifier(node) || ts.isPrivateIdentifier(node)) {
      if (allowed.has(own) || clean.has(own)) return;
      const words = own.replace(/([a-z0-9])([A-Z])/g, '$1 $2').replaceAll('_', ' ');
      const here = checkText(file, words, node.getStart(source), () => lineAt(node.getStart(source)));
      if (here.length === 0) clean.add(own);
      found.push(...here);
    } else if (ts.isStringLiteralLike(node) || node.kind >= ts.SyntaxKind.TemplateHead)
      found.push(...checkText(file, own, node.getStart(source), lineAt));
  };
  visit(source);
  return found;
}

function checkText(file, text, start, lineAt) {
  // a sentence may continue on the next line of a comment
  const flat = text.replace(/\n[ \t]*(\/\/|\*(?!\/)|#)?/g, (gap) => ' '.repeat(gap.length));
  if (!uncased.test(flat) && !cased.test(flat)) return [];
  const from = /\.(tsx?|[mc]js)$/.test(file) ? lineAt : (at) => text.slice(0, at).split('\n').length;
  return sentences.flatMap(({ pattern, write }) =>
    [...flat.matchAll(pattern)].map((match) => ({
      file,
      line: from(start + match.index),
      text: match[0].trim().slice(0, 60),
      write,
    })),
  );
}
