import { lookAlikeFault } from '@bailiwick/core/look-alike';

/** What a person must read in a definition: it is text by a third party that models read. */
const SIGNS: readonly (readonly [pattern: RegExp, warning: string])[] = [
  [/(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}\u{e0000}-\u{e007f}\u3164\u115f\u1160]/u, 'has invisible characters'],
  [
    /\b(ignore|disregard|forget|override)\b.{0,40}\b(previous|prior|above|other|all|system)\b/is,
    'asks a model to ignore something',
  ],
  [
    /\b(do not|don't|never|without)\b.{0,30}\b(tell|mention|inform|reveal|telling|mentioning|informing)\b/is,
    'asks a model to hide something',
  ],
  [/<\/?\s*(important|system|instructions?|secret|assistant|user)\s*>/i, 'has tags that look like instructions'],
  [
    /\b(you must|always|before (using|calling)|first (call|read|use))\b.{0,80}\b(tool|file|call|read|send|pass)\b/is,
    'gives a model instructions',
  ],
  [/\bid_rsa\b|\.(ssh|env|aws)\b|\b(credentials?|api[ _-]?keys?|passwords?|private keys?)\b/i, 'mentions secrets'],
  [/[A-Za-z0-9+/]{120,}={0,2}/, 'has a long encoded text'],
];

/** Returns what is suspicious in the definition of a tool, for a person who approves it. An absence proves nothing. */
export function warningsIn(name: string, definition: string): string[] {
  const text = textsIn(definition);
  const lookAlike = lookAlikeFault(name);
  return [
    ...SIGNS.filter(([pattern]) => pattern.test(text)).map(([, warning]) => warning),
    ...(lookAlike === undefined ? [] : [`its name ${lookAlike}`]),
  ];
}

/** Returns all texts of a definition, with their escapes resolved. */
function textsIn(definition: string): string {
  const texts: string[] = [];
  const visit = (value: unknown): void => {
    if (typeof value === 'string') texts.push(value);
    else if (typeof value === 'object' && value !== null)
      for (const [name, each] of Object.entries(value)) {
        texts.push(name);
        visit(each);
      }
  };
  try {
    visit(JSON.parse(definition));
  } catch {
    return definition;
  }
  return texts.join('\n');
}
