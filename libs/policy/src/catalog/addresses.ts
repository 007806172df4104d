import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';

/*
 * The addresses of parties and places outside that arguments name, alone or within a text: of mail, of the web, of a bank
 * account (IBAN), of a phone. Where a message leads to is as much its effect as whom it reaches. A text that gives an address
 * in other words is not recognized. Every repetition is bounded, so that the time is linear in the length of the text.
 */

const MAIL =
  /(?<![\p{L}\p{N}._%+'-])[\p{L}\p{N}._%+'-]{1,64}@(?:[\p{L}\p{N}-]{1,63}\.){1,8}\p{L}[\p{L}\p{N}-]{1,62}/giu;
/**
 * With any scheme, or with `//` alone before a host with a dot, a port or a user, or that is a number. Where the web is
 * meant, a browser also takes one slash, or others than these.
 */
const URL_OF_WEB =
  /(?:https?:[/\\]{1,8}|:\/{2,8}|\/{2,8}(?=\[|\d{5}|0x|[^\s<>"'`(){}[\]|\\^/?#]{0,253}?(?:[.@][\p{L}\p{N}]|:\d)))(?:\[[^\s\]]{2,100}\][^\s<>"'`(){}[\]|\\^]*|[^\s<>"'`(){}[\]|\\^]+)/giu;
/** Whatever marks stand before it, as those of emphasis do. */
const WWW =
  /(?<![\p{L}\p{N}])www\.(?:[\p{L}\p{N}_-]{1,63}\.){0,8}\p{L}[\p{L}\p{N}-]{1,62}(?::\d{1,5})?(?:\/[^\s<>"'`(){}[\]|\\^]*)?/giu;
/** With a path: a name such as notes.txt is no address. What follows one dot or a slash is a name in a path. */
const BARE_WEB =
  /(?<![\p{L}\p{N}@_/-]|(?<!\.)\.)(?:[\p{L}\p{N}_-]{1,63}\.){1,8}\p{L}[\p{L}\p{N}-]{1,62}(?::\d{1,5})?(?:\/[^\s<>"'`(){}[\]|\\^]*)?/giu;
/** In one piece, or in groups of four, of which all but the first have a digit: a word that follows is no group. */
const ACCOUNT =
  /(?<![\p{L}\p{N}])[A-Z]{2}\d{2}(?:[A-Z0-9]{10,30}|(?: [A-Z0-9]{4})(?: (?=[A-Z]{0,3}\d)[A-Z0-9]{4}){1,6}(?: (?=[A-Z]{0,2}\d)[A-Z0-9]{1,3})?)(?![\p{L}\p{N}])/giu;
const PHONE = /(?<![\p{L}\p{N}])\+\d[\d ()./-]{5,20}\d/gu;

/** Returns the addresses in a text, in one spelling each. */
export function addressesIn(text: string): Set<string> {
  const found = new Set<string>();
  for (const [mail] of text.matchAll(MAIL)) found.add(mail.toLowerCase());
  for (const [url] of text.matchAll(URL_OF_WEB)) found.add(webAddress(url.replace(/^[^/\\]{0,6}[/\\]{1,8}/, '')));
  for (const [web] of text.matchAll(WWW)) found.add(webAddress(web));
  for (const [web] of text.matchAll(BARE_WEB)) if (web.includes('/')) found.add(webAddress(web));
  for (const [account] of text.matchAll(ACCOUNT)) found.add(account.replaceAll(' ', '').toUpperCase());
  for (const [phone] of text.matchAll(PHONE)) found.add(phone.replace(/[^\d+]/g, ''));
  found.delete('');
  return found;
}

/** Returns host and path, the host in lower case: paths differ by the case of their letters. */
function webAddress(text: string): string {
  const bare = text.replace(/[.,;:!?*_~/]{1,256}$/, '');
  const [host = ''] = bare.split(/[/?#]/, 1);
  return `${host.toLowerCase()}${bare.slice(host.length)}`;
}

/** The value of the attribute if there is no address: a list without values satisfies no condition of a permission. */
export const NO_ADDRESS = 'none';

/**
 * Returns the addresses in all texts of arguments, the names of members included, or `[NO_ADDRESS]`; or why they cannot all
 * be stated. Undefined if not all arguments are known: they are left out, or are a request whose body was not read.
 */
export function addressesOf(args: unknown): Result<string[] | undefined, string> {
  if (args === undefined || hasUnreadBody(args)) return ok(undefined);
  const found = new Set<string>();
  const fault = search(args, found, 0);
  if (fault !== undefined) return err(fault);
  if (found.size > LIMITS.valuesPerAttribute)
    return err(`the arguments have more than ${LIMITS.valuesPerAttribute} addresses`);
  const long = [...found].find((each) => each.length > LIMITS.nameLength);
  if (long !== undefined)
    return err(`the arguments have an address longer than ${LIMITS.nameLength} characters: ${long.slice(0, 60)}…`);
  return ok(found.size === 0 ? [NO_ADDRESS] : [...found].sort());
}

/** A body of which the digest alone is stated may have any address. */
function hasUnreadBody(args: unknown): boolean {
  if (typeof args !== 'object' || args === null || !('bodyDigest' in args)) return false;
  return !('body' in args) && !('unread' in args && typeof args.unread === 'string');
}

function search(value: unknown, found: Set<string>, depth: number): string | undefined {
  if (typeof value === 'string') for (const each of addressesIn(value)) found.add(each);
  if (typeof value !== 'object' || value === null) return undefined;
  if (depth === MOST_DEPTH) return `the arguments are nested deeper than ${MOST_DEPTH} levels`;
  for (const [name, each] of Object.entries(value)) {
    if (!Array.isArray(value)) search(name, found, depth);
    const fault = search(each, found, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
const MOST_DEPTH = 32;
