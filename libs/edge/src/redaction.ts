import { LIMITS } from '@bailiwick/core/limits';

/** Names of members whose values are secret regardless of their form. */
const SECRET_NAME =
  /pass(word|wd|phrase)|(pass|pwd)$|secret|token|(api|private|access|signing|encryption)[-_]?key|credential|authorization|cookie|session[-_]?id|(^|[-_])(pin|otp|cvv)$/i;

const MASK = '[redacted]';

/**
 * Values that are secret regardless of their name, and their replacements. To keep matching linear in the length of a
 * text, no pattern may restart within one run of characters: it consumes the whole run or fails after a few characters.
 */
const SECRET_VALUE: readonly (readonly [pattern: RegExp, by: string])[] = [
  [/\b(bearer|basic|dpop)\s+[a-z0-9._~+/=-]{8,}/gi, MASK],
  // the key only: text after it is shown
  [
    /-----BEGIN [A-Z ]*PRIVATE KEY-----(?:(?:\s|\\[rn])*(?:Proc-Type: 4,ENCRYPTED|DEK-Info: [A-Z0-9-]{1,20},[0-9A-F]{8,64}))*(?:(?:\s|\\[rn])*[A-Za-z0-9+/=]{16,})*(?:(?:\s|\\[rn])*[A-Za-z0-9+/=]{0,64}(?:\s|\\[rn])*-----END [A-Z ]*PRIVATE KEY-----)?/g,
    MASK,
  ],
  [/\beyJ[\w.-]{16,}/g, MASK], // a JWT or a part of one
  [/\b(AKIA|ASIA)[0-9A-Z]{16,}/g, MASK],
  [/\bAIza[\w-]{35,}/g, MASK],
  [/\bgh[pousr]_[A-Za-z0-9]{20,}/g, MASK],
  [/\bgithub_pat_\w{20,}/g, MASK],
  [/\bxox[a-z]-[\w-]{10,}/g, MASK],
  [/\bsk-[\w-]{16,}/g, MASK],
  [/\b[rs]k_(live|test)_\w{16,}/g, MASK],
  [/\bbwk_[a-z]+_[\w-]{20,}/g, MASK],
  [/(:\/\/[^\s/:@]{0,200}:)[^\s/@]+@/g, `$1${MASK}@`], // a password in a URL
  [/(\b\w*(?:api[-_]?key|token|secret|passw(?:or)?d|passphrase)["']?\s*[=:]\s*["']?)[^\s"',;&}]+/gi, `$1${MASK}`],
  [/(\b[A-Z][A-Z0-9_]*KEY\s*[=:]\s*["']?)[^\s"',;&}]+/g, `$1${MASK}`],
];

/** Every pattern above requires one of these in a text. Most texts have none, so this one test suffices for them. */
const MAY_BE_SECRET =
  /[=:]|PRIVATE KEY|eyJ|A[KS]IA|AIza|gh[pousr]_|github_pat_|xox|sk-|[rs]k_|bwk_|(bearer|basic|dpop)\s/i;

/** Masks likely secrets in a text. This is no guarantee: do not send data in a preview that must not be stored. */
export const redactText = (text: string): string => maskedText(text, new Tally());

/** The part of the arguments that the approver does not see. */
export interface Hidden {
  /** values that are masked or cut, at least in part */
  readonly values: number;
  readonly of: number;
  readonly characters: number;
}

class Tally implements Hidden {
  values = 0;
  of = 0;
  characters = 0;

  /** Counts a value that is shown in this form, and returns the form. */
  shown(whole: string, hidden: number, form: string): string {
    this.of += 1;
    if (form !== whole) this.values += 1;
    this.characters += hidden;
    return form;
  }
}

function maskedText(text: string, tally: { characters: number }): string {
  if (!MAY_BE_SECRET.test(text)) return text;
  return SECRET_VALUE.reduce(
    (masked, [pattern, by]) =>
      masked.replace(pattern, (match: string, kept: unknown) => {
        const before = by.startsWith('$1') && typeof kept === 'string' ? kept : '';
        const after = by.endsWith('@') ? '@' : '';
        const secret = match.slice(before.length, match.length - after.length);
        if (secret !== MASK) tally.characters += secret.length;
        return `${before}${MASK}${after}`;
      }),
    text,
  );
}

/**
 * Makes the preview of the arguments that the payload of an event stores for the approver: the structure of the
 * arguments, with secrets masked, long texts cut and the total size bounded; and the extent of the hidden parts.
 */
export function redactedArgs(value: unknown): { args: unknown; hidden?: Hidden } {
  const tally = new Tally();
  const masked = mask(value, 0, tally, false);
  const text = JSON.stringify(masked) ?? 'null';
  const bounded = text.length <= LIMITS.previewLength ? masked : cutToFit(text);
  if (bounded !== masked) tally.characters += text.length - JSON.stringify(bounded).length;
  const { values, of, characters } = tally;
  return values === 0 && characters === 0 ? { args: bounded } : { args: bounded, hidden: { values, of, characters } };
}

export const redactArgs = (value: unknown): unknown => redactedArgs(value).args;

function cutToFit(text: string): unknown {
  const cut = shorten(text, LIMITS.previewLength - 100);
  // the second quoting can lengthen the text
  const over = JSON.stringify({ cut }).length - LIMITS.previewLength;
  return { cut: over > 0 ? shorten(cut, cut.length - over - 1) : cut };
}

/** The number of items of a list, or members of an object, that are shown; a mark gives the number of the others. */
const MOST = 50;
const MOST_CHARACTERS = 600;

/** @param secret whether the value is under a name whose values are secret */
function mask(value: unknown, depth: number, tally: Tally, secret: boolean): unknown {
  if (typeof value === 'string') return maskString(value, tally, secret);
  if (value === null || typeof value !== 'object') {
    const text = String(value);
    if (!secret || value === null || typeof value === 'boolean') tally.of += 1;
    else return tally.shown(text, text.length, MASK);
    return value;
  }
  if (depth > 6) return tally.shown('', JSON.stringify(value).length, '…');
  if (Array.isArray(value)) {
    const first = value.slice(0, MOST).map((each) => mask(each, depth + 1, tally, secret));
    return value.length > MOST ? [...first, rest(tally, value.slice(MOST))] : first;
  }
  const members = Object.entries(value);
  const more: [string, unknown][] = members.length > MOST ? [['…', rest(tally, members.slice(MOST)).slice(2)]] : [];
  return Object.fromEntries([
    ...members
      .slice(0, MOST)
      .map(([name, each]): [string, unknown] => [
        shorten(redactText(name), 200),
        mask(each, depth + 1, tally, secret || SECRET_NAME.test(name)),
      ]),
    ...more,
  ]);
}

/** Masks a string, then cuts it: the patterns would not recognize half a secret. */
function maskString(value: string, tally: Tally, secret: boolean): string {
  const own = { characters: 0 };
  if (secret && !isCommand(value)) return tally.shown(value, value.length, value === '' ? '' : MASK);
  const text = maskedText(secret ? value.replace(LONG_WORD, (word) => hide(word, own)) : value, own);
  const form = shorten(text, MOST_CHARACTERS);
  return tally.shown(value, own.characters + Math.max(0, text.length - MOST_CHARACTERS), form);
}

function hide(word: string, tally: { characters: number }): string {
  tally.characters += word.length;
  return MASK;
}

/** Reports whether a text is a command. Commands are always shown: an agent must not hide one by the choice of a name. */
const isCommand = (text: string): boolean => /\s/.test(text.trim()) && /[;|&<>$`(){}/\\]|\s--?[a-z]/i.test(text);
/** A word of a command that is likely a key: long, with digits and letters. */
const LONG_WORD = /(?<![\w+/=.-])(?=[\w+=-]*\d)(?=[\w+=-]*[A-Za-z])[\w+=-]{16,}(?![\w+/=.-])/g;

function rest(tally: Tally, values: readonly unknown[]): string {
  tally.of += values.length;
  tally.values += values.length;
  tally.characters += JSON.stringify(values).length;
  return `… and ${values.length} more`;
}

/** Cuts a text to `most` UTF-16 units and a mark, never within a character: half of one has no form in JSON. */
function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`;
}
