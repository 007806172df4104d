import { LIMITS } from '#kernel/limits';

/** Names whose values are secret whatever they look like. */
const SECRET_NAME =
  /pass(word|wd|phrase)|(pass|pwd)$|secret|token|(api|private|access|signing|encryption)[-_]?key|credential|authorization|cookie|session[-_]?id|(^|[-_])(pin|otp|cvv)$/i;

const MASK = '[redacted]';

/**
 * Values that are secret whatever they are called, and what stands in their place. None may start over and over within
 * one run of characters: each takes all of the run, or fails after a few, so that a text costs what it is long.
 */
const SECRET_VALUE: readonly (readonly [pattern: RegExp, by: string])[] = [
  [/\b(bearer|basic|dpop)\s+[a-z0-9._~+/=-]{8,}/gi, MASK],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, MASK],
  [/\beyJ[\w.-]{16,}/g, MASK], // JWT, in whole or in part
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

/** Every pattern above needs one of these in a text; most texts have none, and are told so in one look. */
const MAY_BE_SECRET =
  /[=:]|PRIVATE KEY|eyJ|A[KS]IA|AIza|gh[pousr]_|github_pat_|xox|sk-|[rs]k_|bwk_|(bearer|basic|dpop)\s/i;

/** Masks what looks like a secret in a text. A help, no guarantee: what must not be kept is not sent as a preview. */
export function redactText(text: string): string {
  if (!MAY_BE_SECRET.test(text)) return text;
  return SECRET_VALUE.reduce((masked, [pattern, by]) => masked.replace(pattern, by), text);
}

/** The arguments as they are kept beside the event: secrets masked, long texts cut, the whole bounded. */
export function redactArgs(value: unknown): unknown {
  const masked = mask(value, 0);
  const text = JSON.stringify(masked) ?? 'null';
  if (text.length <= LIMITS.previewLength) return masked;
  const cut = shorten(text, LIMITS.previewLength - 100);
  // quoted once more it may be longer than it was
  const over = JSON.stringify({ cut }).length - LIMITS.previewLength;
  return { cut: over > 0 ? shorten(cut, cut.length - over - 1) : cut };
}

/** Items of a list, or members of an object, that are shown; a mark says how many are not. */
const MOST = 50;

function mask(value: unknown, depth: number): unknown {
  // masked before it is cut: half a secret looks like none, and is one
  if (typeof value === 'string') return shorten(redactText(value), 600);
  if (value === null || typeof value !== 'object') return value;
  if (depth > 6) return '…';
  if (Array.isArray(value)) {
    const first = value.slice(0, MOST).map((each) => mask(each, depth + 1));
    return value.length > MOST ? [...first, `… and ${value.length - MOST} more`] : first;
  }
  const members = Object.entries(value);
  const more: [string, unknown][] = members.length > MOST ? [['…', `and ${members.length - MOST} more`]] : [];
  return Object.fromEntries([
    ...members
      .slice(0, MOST)
      .map(([name, each]): [string, unknown] => [
        shorten(redactText(name), 200),
        SECRET_NAME.test(name) ? MASK : mask(each, depth + 1),
      ]),
    ...more,
  ]);
}

/** At most so many UTF-16 units and a mark; never half a character, which has no form in JSON. */
function shorten(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most).replace(/[\ud800-\udbff]$/, '')}…`;
}
