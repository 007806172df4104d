import type { SessionHolder, SessionKey } from '@bailiwick/contracts/sessions/session';
import type { Actor } from '@bailiwick/contracts/events/event';
import { keyCaller, personCaller, type Caller } from '../caller';
import type { KeyHolder } from '../key-replica';
import type { Pseudonyms } from '../pseudonyms';
import { ROLES, type Role } from '../roles';

export type KeyCaller = Extract<Caller, { kind: 'key' }>;

/** Where the keys of a session are looked up, as they are now. */
export type FindHolder = (key: SessionKey) => Promise<KeyHolder | undefined>;

/**
 * Returns who acts in a session. A session of keys acts in each role as the key of that role does; the roles of keys that
 * have ended are gone.
 * @returns undefined if no key of it is left
 */
export async function sessionCaller(
  { tenant, holder }: { readonly tenant: string; readonly holder: SessionHolder },
  find: FindHolder,
  pseudonyms: Pick<Pseudonyms, 'ref'>,
): Promise<KeyCaller | undefined> {
  if (holder.kind === 'person') {
    const { person, roles, groups, via } = holder;
    return personCaller({ tenant, person, roles, groups, via }, pseudonyms);
  }
  const held = (await Promise.all(holder.keys.map(find))).filter((each) => each !== undefined);
  return joined(held.filter((each) => each.tenant === tenant).map((each) => keyCaller(each, pseudonyms)));
}

/** Joins the callers of keys of one holder; the first one is who is signed in. */
function joined(callers: readonly KeyCaller[]): KeyCaller | undefined {
  const [first, ...others] = callers;
  if (!first || others.length === 0) return first;
  const acts: Partial<Record<Role, Actor>> = {};
  for (const { roles, actor } of callers.toReversed()) for (const role of roles) acts[role] = actor;
  return { ...first, roles: ROLES.filter((role) => acts[role] !== undefined), acts };
}

/** Reports whether keys may be joined in one session: of one tenant, and of one person or of none. */
export function areOfOneHolder(holders: readonly KeyHolder[]): boolean {
  const [first, ...others] = holders;
  return others.every(({ tenant, person }) => tenant === first?.tenant && person === first.person);
}
