import { Injectable } from '@nestjs/common';
import { personName } from '@bailiwick/contracts/keys/key';
import { idOf } from '@bailiwick/contracts/primitives';
import type { LeasesView, PrincipalsView, SubjectTypesView } from '@bailiwick/contracts/queries/candidates';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { Pseudonyms } from '../auth/pseudonyms';
import { Refused } from '../http/problems/problem';
import { LogClient } from '../log-client/log-client';
import { logOf, ownGrant, ownRun } from '../log-client/logs';
import type { Subject } from './evaluation';

const grantId = idOf('grant');
const runId = idOf('run');

const UNKNOWN =
  'the subject is not a grant; send { "type": "grant", "id": "grt_…" }, a run, or a type that the policy maps to people';

/** Finds the leases that the subject of an evaluation means. A subject without a lease has no rights (I11). */
@Injectable()
export class Subjects {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
  ) {}

  /**
   * Returns the leases of a subject, at least one, in the order in which they are tried: that of a grant or a run, or the
   * newest root leases in the name of a person, whose type the policy in force maps.
   * @throws Refused NOT_FOUND for a subject without a lease; FORBIDDEN for a grant token of another run
   */
  async leasesOf(caller: Caller, subject: Subject): Promise<readonly string[]> {
    if (subject.type === 'grant') return [ownLease(caller, subject.id)];
    const leases = subject.type === 'run' ? await this.ofRun(caller, subject.id) : await this.ofPerson(caller, subject);
    if (leases.length === 0) throw new Refused('NOT_FOUND', 'the subject has no lease');
    return leases;
  }

  private async ofRun(caller: Caller, id: string): Promise<string[]> {
    if (!runId.safeParse(id).success) throw new Refused('NOT_FOUND', UNKNOWN);
    ownRun(caller, id);
    return this.leases({ op: 'leases', log: logOf(caller, id), runId: id, limit: 1 });
  }

  private async ofPerson(caller: Caller, { type, id }: Subject): Promise<string[]> {
    const prefix = await this.prefixOf(caller, type);
    const named = personName.safeParse(`${prefix}${id}`);
    if (prefix === undefined || id === '' || !named.success) throw new Refused('NOT_FOUND', UNKNOWN);
    return this.leases({
      op: 'leases',
      log: logName(caller.tenant, 0),
      principalRef: this.pseudonyms.ref(caller.tenant, 'person', named.data),
      limit: LIMITS.authzen.leasesOfPerson,
    });
  }

  /** Returns what precedes an id of this type in the name of a person; undefined if the policy maps no such type. */
  async prefixOf({ kind, tenant }: Caller, type: string): Promise<string | undefined> {
    if (kind === 'run') return undefined; // a grant token is for its own run
    const { items } = await this.logClient.query<SubjectTypesView>({ op: 'subjectTypes', log: logName(tenant, 0) });
    return items.find((each) => each.type === type)?.prefix;
  }

  /** Lists open leases, or the one of a caller that is a run. */
  async open(caller: Caller, after: number | undefined, limit: number): Promise<LeasesView> {
    if (caller.kind === 'run')
      return { items: [{ grantId: caller.grantId, runId: caller.runId, position: 0 }], next: null };
    const log = logName(caller.tenant, 0);
    return this.logClient.query({ op: 'leases', log, limit, ...(after === undefined ? {} : { after }) });
  }

  /** Lists the people in whose names root leases are open. */
  async principals({ tenant }: Caller, after: number | undefined, limit: number): Promise<PrincipalsView> {
    const log = logName(tenant, 0);
    return this.logClient.query({ op: 'principals', log, limit, ...(after === undefined ? {} : { after }) });
  }

  private async leases(query: Parameters<LogClient['query']>[0]): Promise<string[]> {
    const { items } = await this.logClient.query<LeasesView>(query);
    return items.map((each) => each.grantId);
  }
}

function ownLease(caller: Caller, id: string): string {
  if (!grantId.safeParse(id).success) throw new Refused('NOT_FOUND', UNKNOWN);
  ownGrant(caller, id);
  return id;
}
