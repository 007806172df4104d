import { ProblemError, type BailiwickClient } from '@bailiwick/client/client';
import type { GrantView } from '@bailiwick/contracts/grants/grant';
import type { KeyAnswer } from '@bailiwick/contracts/http/bodies';
import type { ApprovalView, PreviewView } from '@bailiwick/contracts/queries/query';
import { systemClock } from '@bailiwick/core/clock';
import { isOwnedBy, OTHERS, type Holdings, type OwnedClass, type StandingApproval } from './holdings';

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

/** Reads everything that hangs on a person. A part that is refused keeps no other part from being read. */
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
  const keys = await part('keys', () => admin.get<{ items: KeyAnswer[] }>('/v1/keys'));
  const standing = await part('standing approvals', () => standingOf(approver, person));
  const classes = await part('classes', () => classesOf(clients, person));
  const approved = await part<PreviewView>('leases that they approved', () =>
    responder.previewRevocation({ approver: person }),
  );
  const live = keys?.items.filter(isValid);
  const ref = keys?.items.find((each) => each.person === person)?.ref;
  return {
    person,
    leases,
    keys: live?.filter((each) => each.person === person).map(({ id, name }) => ({ id, name })),
    standing,
    classes,
    approvedLeases: approved?.counts.grants,
    issuedKeys: live
      ?.filter((each) => each.person !== person && ref !== undefined && each.createdBy === ref)
      .map(({ name }) => name),
    unread,
  };
}

const isValid = ({ revokedAt, expiresAt }: KeyAnswer): boolean =>
  revokedAt === undefined && (expiresAt === undefined || Date.parse(expiresAt) > systemClock.now());

/** The list is of recorded approvals, so what became of each is read from the live state. */
async function standingOf(client: BailiwickClient, person: string): Promise<StandingApproval[]> {
  const found: StandingApproval[] = [];
  const filter = `status=approved&kind=action&decidedBy=${encodeURIComponent(person)}`;
  for (let cursor = ''; ;) {
    const page = await client.get<Page<{ id: string }>>(`/v1/approvals?${filter}${cursor}`);
    for (const { id } of page.items) {
      const { scope, status, grantId, asks } = await client.get<ApprovalView>(`/v1/approvals/${id}`);
      if (status === 'approved' && scope !== undefined && (await lives(client, grantId))) found.push({ id, asks });
    }
    if (page.next === null) return found;
    cursor = `&cursor=${encodeURIComponent(page.next)}`;
  }
}

async function lives(client: BailiwickClient, grantId: string | undefined): Promise<boolean> {
  if (grantId === undefined) return false;
  const { status } = await client.get<GrantView>(`/v1/grants/${grantId}`);
  return status === 'active' || status === 'suspended';
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
