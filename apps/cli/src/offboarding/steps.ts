import { counted } from '@bailiwick/authority/presentation/text';
import { ProblemError } from '@bailiwick/client/client';
import type { endSessionsAnswer } from '@bailiwick/contracts/http/sessions';
import { sha256hex } from '@bailiwick/core/digest';
import type { z } from 'zod';
import { filesOf } from '../commands/policy-files';
import { OTHERS, type ClassPlan, type Holdings, type Shown } from './holdings';
import type { Clients } from './read-holdings';

/** What became of one part. */
export interface StepDone {
  readonly part: string;
  readonly done?: string;
  /** why it is not done */
  readonly failed?: string;
}

/** A revocation of the leases of the person, or of a class. */
export interface Revoked {
  readonly revocationId: string;
  readonly positions: Record<string, number>;
}

/** What ended, and the issuers at which the account of the person does not end by this. */
export interface Ended {
  readonly revoked: readonly Revoked[];
  readonly issuers: readonly string[];
}
type SessionsEnded = z.infer<typeof endSessionsAnswer>;

/** How an offboarding is carried out. */
export interface Carrying {
  readonly holdings: Holdings;
  /** of a preview; what has grown since is refused */
  readonly shown: Shown;
  readonly plan: ClassPlan;
  readonly reason: string;
  readonly force: boolean;
  readonly report: (step: StepDone) => void;
}

/**
 * Takes one step after the other. The leases end first, with a quarantine, under the digest: if they have grown, nothing is
 * done at all. After that, a step that fails keeps no other from being taken. Each step may be repeated: a client that dies
 * between two of them repeats the command, and what is done stays done; under the same digest, a revocation is not made twice.
 */
export async function offboard(clients: Clients, carrying: Carrying): Promise<Ended> {
  const { responder, admin, approver } = clients;
  const { holdings, shown, plan, reason, force, report } = carrying;
  const { person } = holdings;
  const revoked: Revoked[] = [];
  let issuers: readonly string[] = [];
  const key = (part: string): string =>
    `offboard-${sha256hex(JSON.stringify([person, part, reason, force, shown.text])).slice(0, 40)}`;
  const revoke = async (selector: object, digest: string | undefined, part: string): Promise<string> => {
    const body = { selector, reason, quarantine: true, ...(force ? { force } : { digest }) };
    const done = await responder.post<Revoked>('/v1/revocations', body, { idempotencyKey: key(part) });
    revoked.push(done);
    return done.revocationId;
  };
  const take = async (part: string, step: () => Promise<string>): Promise<void> => {
    try {
      report({ part, done: await step() });
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'BLAST_RADIUS_GREW' && part === 'leases') throw error;
      report({ part, failed: error instanceof Error ? error.message : String(error) });
    }
  };
  if (holdings.leases)
    await take('leases', async () => {
      const { grants, pendingApprovals } = holdings.leases?.counts ?? { grants: 0, pendingApprovals: 0 };
      const id = await revoke({ principal: person }, shown.leases, 'leases');
      const ended = `${counted(grants, 'lease')} and ${counted(pendingApprovals, 'request')} ended`;
      return `${ended}, new ones refused: ${id}`;
    });
  await take('sessions', async () => {
    const answer = await admin.post<SessionsEnded>('/v1/sessions/revocation', { person });
    issuers = answer.issuers;
    return `${answer.ended} ended`;
  });
  for (const { id, name } of holdings.keys ?? [])
    await take(`key ${name}`, async () => {
      await admin.delete(`/v1/keys/${encodeURIComponent(id)}`);
      return 'revoked';
    });
  for (const { id } of holdings.standing ?? [])
    await take(`standing approval ${id}`, async () => {
      await approver.decide(id, 'deny', reason);
      return 'withdrawn';
    });
  for (const { id } of holdings.answered ?? [])
    await take(`answer to ${id}`, async () => {
      const { approval } = await approver.decide(id, 'deny', reason);
      // where several must deny, one denial leaves the answer of the person in force
      if (approval.status === 'pending') throw new Error('denied once; the policy wants further people to deny it');
      return 'the request is denied; its agent may ask later';
    });
  for (const { name } of holdings.classes ?? []) {
    if (!plan.stops.has(name) || name === OTHERS) continue;
    await take(`class ${name}`, async () => {
      const id = await revoke({ agentClass: name }, shown.classDigest(name), `class ${name}`);
      return `stopped, new leases refused: ${id}`;
    });
  }
  if (plan.owners.size > 0) await take('owners', () => changeOwners(clients, plan.owners));
  return { revoked, issuers };
}

/** Deploys the policy in force with other owners; refused if another was deployed since it was read. */
async function changeOwners({ admin }: Clients, owners: ReadonlyMap<string, string>): Promise<string> {
  const { bundle, version } = await admin.policy();
  const agents = (bundle.agents ?? []).map((each) => ({ ...each, owner: owners.get(each.class) ?? each.owner }));
  const done = await admin.deployPolicy(filesOf({ ...bundle, agents }), version);
  return `version ${done.version} of the policy names them: ${[...owners].map(([name, owner]) => `${name}: ${owner}`).join(', ')}`;
}
