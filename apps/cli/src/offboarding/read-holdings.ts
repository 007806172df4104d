import { ProblemError, type BailiwickClient } from '@bailiwick/client/client';
import type { KeyAnswer } from '@bailiwick/contracts/http/bodies';
import { isValidKey } from '@bailiwick/contracts/keys/valid-key';
import type { ApprovalView, PreviewView } from '@bailiwick/contracts/queries/query';
import { systemClock } from '@bailiwick/core/clock';
import { isOwnedBy } from '@bailiwick/core/same-person';
import { OTHERS, type Holdings, type OwnedClass, type StandingApproval } from './holdings';

/** A client for each role that a part needs; with `--key`, all are the same. */
export interface Clients {
  readonly responder: BailiwickClient;
  readonly admin: BailiwickClient;
  readonly approver: BailiwickClient;
}

interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | null;
}

/** Reads everything that belongs to a person. A part that is refused keeps no other part from being read. */
export async function readHoldings(clients: Clients, person: string): Promise<Holdings> {
  const { responder, admin, approver } = clients;
  const unread: { part: string; why: string }[] = [];
  const part = async <T>(name: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error; // nothing is known of any part
      unread.push({ part: name, why: error.message });
      return undefined;
    }
  };
  const leases = await part('leases', () => responder.previewRevocation({ principal: person }, true));
  const named = encodeURIComponent(person);
  // the gateway compares refs: a key keeps the name of its person as an admin typed it
  const keysOf = async (by: 'person' | 'createdBy'): Promise<KeyAnswer[]> =>
    (await admin.get<{ items: KeyAnswer[] }>(`/v1/keys?${by}=${named}`)).items;
  const keys = await part('keys', () => keysOf('person'));
  const issued = await part('keys that they issued', () => keysOf('createdBy'));
  const standing = await part('standing approvals', () => answeredBy(approver, 'approved', named));
  const answered = await part('answers to requests', () => answeredBy(approver, 'pending', named));
  const classes = await part('classes', () => classesOf(clients, person));
  const approved = await part<PreviewView>('leases that they approved', () =>
    responder.previewRevocation({ approver: person }),
  );
  const live = keys?.filter(isValid);
  const own = new Set(keys?.map(({ id }) => id));
  return {
    person,
    leases,
    keys: live?.map(({ id, name }) => ({ id, name })),
    standing,
    answered,
    classes,
    approvedLeases: approved?.counts.grants,
    issuedKeys: issued?.filter((each) => isValid(each) && !own.has(each.id)).map(({ name }) => name),
    endedKeys: (keys?.length ?? 0) - (live?.length ?? 0),
    unread,
  };
}

const isValid = (key: KeyAnswer): boolean => isValidKey(key, systemClock.now());

/** Reads from the live state what a person approved, alone or as one of several, and what has not ended. */
async function answeredBy(
  client: BailiwickClient,
  status: 'approved' | 'pending',
  named: string,
): Promise<StandingApproval[]> {
  const found: StandingApproval[] = [];
  for (let cursor = ''; ;) {
    const path = `/v1/approvals?status=${status}&answeredBy=${named}${cursor}`;
    const { items, next } = await client.get<Page<ApprovalView>>(path);
    found.push(...items.map(({ id, asks }) => ({ id, asks })));
    if (next === null) return found;
    cursor = `&cursor=${encodeURIComponent(next)}`;
  }
}

async function classesOf({ admin, responder }: Clients, person: string): Promise<OwnedClass[]> {
  const { bundle } = await admin.policy();
  const owned = (bundle.agents ?? []).filter(({ owner }) => isOwnedBy(owner, person));
  return Promise.all(
    owned.map(async ({ class: name }) => ({
      name,
      leases: name === OTHERS ? undefined : await responder.previewRevocation({ agentClass: name }, true),
    })),
  );
}
