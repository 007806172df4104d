import type { Attribute } from '@bailiwick/contracts/actions/action';
import type { Scalar } from '@bailiwick/contracts/grants/grant';

/** Returns the single values of an attribute. */
export const scalarsOf = (value: Attribute): readonly Scalar[] => (Array.isArray(value) ? value : [value]);

const plain = (text: string): string => text.toLowerCase().replace(/\s+/g, ' ').trim();

/**
 * Returns equal keys for spellings of one value: letter case, spaces around it, a scheme of the web before an address and a
 * slash after it make no difference, nor does a number as a text.
 */
export function keyOfValue(value: Scalar): string {
  const text = plain(String(value))
    .replace(/^https?:\/\//, '')
    .replace(/\/+$/, '');
  return /^-?\d+(\.\d+)?$/.test(text) && text.length < 16 ? String(Number(text)) : text;
}

/** Reports whether words of the task are the value: then the person who asked named it. */
export function isNamedIn(task: string, key: string): boolean {
  if (key === '') return false;
  const text = plain(task);
  for (let at = text.indexOf(key); at >= 0; at = text.indexOf(key, at + 1))
    if (!isWordAt(text, at - 1) && !isWordAt(text, at + key.length)) return true;
  return false;
}
const isWordAt = (text: string, at: number): boolean => /[\p{L}\p{N}_]/u.test(text.charAt(at));

const EMAIL = /^[^\s@]+@[^\s@]+\.[a-z]+$/;
const ACCOUNT = /^[a-z]{2}\d{2}[a-z0-9]{10,}$/;
const PHONE = /^\+\d[\d ()-]{6,}$/;

/**
 * Reports whether a value is the address of a party or a place outside: of mail, of the web, of a bank account (IBAN), of a
 * phone. What an action reaches is never left open in such an argument.
 */
export function isAddress(value: Scalar): boolean {
  const text = plain(String(value));
  return EMAIL.test(text) || ACCOUNT.test(text) || PHONE.test(text) || hostOf(value) !== undefined;
}

const WEB = /^((?:[\w-]+\.)+[a-z][\w-]+)(?::\d+)?(\/\S*)?$/;

/**
 * Returns the host of an address of the web. Without a scheme, an address has a path or starts with `www.`: a name such as
 * notes.txt is none.
 */
export function hostOf(value: Scalar): string | undefined {
  const text = plain(String(value));
  const hasScheme = /^https?:\/\//.test(text);
  const [, host, path] = WEB.exec(text.replace(/^https?:\/\//, '')) ?? [];
  return host !== undefined && (hasScheme || path !== undefined || host.startsWith('www.')) ? host : undefined;
}

/** What a value is: values of one kind may stand for each other. */
export const kindOf = (value: Scalar): 'number' | 'address' | 'text' =>
  typeof value === 'number' || /^-?\d+(\.\d+)?$/.test(String(value)) ? 'number' : isAddress(value) ? 'address' : 'text';

/** A text in quotation marks; an apostrophe in a word is none. */
const QUOTED = /(?<![\p{L}\p{N}])'([^'\n]{2,80})'(?![\p{L}\p{N}])|"([^"\n]{2,80})"|“([^”\n]{2,80})”/gu;

/** Returns what a task names: addresses, numbers, and texts in quotation marks. */
export function namedBy(task: string): string[] {
  const quoted = [...task.matchAll(QUOTED)].map(([, a, b, c]) => a ?? b ?? c ?? '');
  const words = task
    .split(/[\s,;()'"“”]+/)
    .map((word) => word.replace(/[.:!?]+$/, ''))
    .filter((word) => /\d/.test(word) || isAddress(word) || word.includes('/'));
  return [...new Set([...quoted, ...words])].filter((each) => each !== '' && each.length <= 200).slice(0, 32);
}
