/** Returns the one spelling of the id of a person: the same as of the refs of people. */
export const personOf = (id: string): string =>
  id
    .normalize('NFKC')
    .replace(/\p{Cf}/gu, '')
    .trim()
    .toLowerCase();

/** Reports whether the owner of a class, a text of the policy, names the person: `user:ada@example.com`, with or without `user:`. */
export function isOwnedBy(owner: string, person: string): boolean {
  const bare = (name: string): string => personOf(name).replace(/^user:/, '');
  return bare(owner) === bare(person);
}
