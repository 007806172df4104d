import type { Attribute } from '@bailiwick/contracts/actions/action';
import { canonicalDigest } from '@bailiwick/core/digest';

/**
 * Returns the attributes of a call's arguments, which describe them completely and depend on no policy.
 * For each path: its value, if it is one value or a list of values; the digest of its canonical JSON; its type. For the
 * members of each list, also those that are under the same name in all of its elements that have it, as a list. A `*`
 * in a text is percent-encoded, since it stands for any text in a condition.
 */
export function attributesOf(args: unknown): Record<string, Attribute> {
  const found: Record<string, Attribute> = {};
  const visit = (path: string, value: unknown): void => {
    found[`${path}#type`] = typeOf(value);
    found[`${path}#digest`] = canonicalDigest(value);
    if (isScalar(value)) found[path] = encoded(value);
    else if (Array.isArray(value)) {
      if (value.every(isScalar)) found[path] = value.map(encoded);
      const names = new Set(value.filter(isObject).flatMap(Object.keys));
      for (const name of names) {
        const members = value.filter(isObject).filter((each) => Object.hasOwn(each, name));
        const values = members.map((each) => each[name]);
        if (values.every(isScalar)) found[`${path}#each.${named(name)}`] = values.map(encoded);
      }
    } else if (isObject(value)) for (const [name, each] of Object.entries(value)) visit(`${path}.${named(name)}`, each);
  };
  if (isObject(args)) for (const [name, each] of Object.entries(args)) visit(`.${named(name)}`, each);
  return found;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
export const isScalar = (value: unknown): value is string | number | boolean =>
  ['string', 'number', 'boolean'].includes(typeof value);
/** The types of JSON; a condition on one type does not concern values of the others. */
export const typeOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'list' : typeof value;

export function encoded<T extends string | number | boolean>(value: T): T {
  return (typeof value === 'string' ? value.replace(/%/g, '%25').replace(/\*/g, '%2A') : value) as T;
}

/** Writes a member's name so that no two paths are the same. */
const named = (name: string): string =>
  name.replace(/[%.#*]/g, (sign) =>
    encodeURIComponent(sign).replace(/[.*]/, (each) => `%${each.charCodeAt(0).toString(16).toUpperCase()}`),
  );
