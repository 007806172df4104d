import { Injectable } from '@nestjs/common';
import type { GrantView, RunView } from '@bailiwick/contracts/grants/grant';
import type { VerbsView } from '@bailiwick/contracts/queries/candidates';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { Refused } from '../http/problems/problem';
import { LogClient } from '../log-client/log-client';
import { logOf } from '../log-client/logs';
import { Subjects } from './subjects';

/** A value that a search tries, and its place in the order of the search. */
export interface Candidate {
  /** the id of a subject or a resource, or the name of an action */
  readonly id: string;
  /** the leases to decide under; left out: those of the subject of the search */
  readonly leases?: readonly string[];
  readonly place: string;
}

/** `next` is the place after which the next ones come; null after the last one. */
export interface Candidates {
  readonly items: readonly Candidate[];
  readonly next: string | null;
}

/** Lists the candidates after a place; `''` is the start. */
export type Source = (after: string) => Promise<Candidates>;

const { candidates: MOST, callsSeen } = LIMITS.authzen;
const NONE: Candidates = { items: [], next: null };

interface Actions {
  readonly items: readonly { readonly resource?: { readonly type: string; readonly id: string } }[];
}

/** Lists what searches try: what the caller may see of its tenant, and nothing else. */
@Injectable()
export class SearchCandidates {
  constructor(
    private readonly logClient: LogClient,
    private readonly subjects: Subjects,
  ) {}

  /** The subjects of a type: leases, runs, or people, if the policy maps the type. */
  subjectsOf(caller: Caller, type: string): Source {
    if (type !== 'grant' && type !== 'run') return (after) => this.people(caller, type, after);
    return async (after) => {
      const { items, next } = await this.subjects.open(caller, placeOf(after), MOST);
      return {
        items: items.map(({ grantId, runId, position }) => ({
          id: type === 'grant' ? grantId : runId,
          leases: [grantId],
          place: String(position),
        })),
        next: textOf(next),
      };
    };
  }

  /**
   * The resources of a type that the leases name without a wildcard, and those of the first calls of their trees; of a
   * caller that is a run, of the calls of that run.
   */
  async resourcesOf(caller: Caller, leases: readonly string[], type: string): Promise<Source> {
    const named = await Promise.all(leases.map((grantId) => this.resourcesFor(caller, grantId, type)));
    const ids = [...new Set(named.flat())].sort();
    return fromList(ids);
  }

  /** The verbs that the leases or the catalog name without a wildcard. */
  verbsOf(caller: Caller, leases: readonly string[]): Source {
    return async (after) => {
      const pages = await Promise.all(
        leases.map((grantId) =>
          this.logClient.query<VerbsView>({
            op: 'verbs',
            log: logOf(caller, grantId),
            grantId,
            limit: MOST,
            ...(after === '' ? {} : { after }),
          }),
        ),
      );
      return merged(pages);
    };
  }

  private async people(caller: Caller, type: string, after: string): Promise<Candidates> {
    const prefix = await this.subjects.prefixOf(caller, type);
    if (prefix === undefined) return NONE;
    const { items, next } = await this.subjects.principals(caller, placeOf(after), MOST);
    const people = await Promise.all(
      items.map(async ({ runId, position }) => {
        const { requestedBy } = await this.logClient.look<RunView>('run', logOf(caller, runId), runId);
        // an erased person has no name, and the names of others have another prefix
        if (!requestedBy?.startsWith(prefix) || requestedBy === prefix) return [];
        return [{ id: requestedBy.slice(prefix.length), place: String(position) }];
      }),
    );
    return { items: people.flat(), next: textOf(next) };
  }

  private async resourcesFor(caller: Caller, grantId: string, type: string): Promise<string[]> {
    const { limits, treeId, runId } = await this.grant(caller, grantId);
    const selectors = [...limits.resources, ...(limits.permissions ?? []).flatMap(({ resources }) => resources)];
    const named = selectors
      .filter((each) => each.type === type && (each.literal === true || !/[*\\]/.test(each.match)))
      .map(({ match }) => match);
    const scope = caller.kind === 'run' ? { runId } : { treeId };
    const filter = { tenant: caller.tenant, ...scope, resourceType: type, limit: callsSeen };
    const { items } = await this.logClient.ledger<Actions>('actions', filter);
    return [...named, ...items.flatMap(({ resource }) => (resource?.type === type ? [resource.id] : []))];
  }

  private async grant(caller: Caller, grantId: string): Promise<GrantView> {
    const grant = await this.logClient.look<GrantView>('grant', logOf(caller, grantId), grantId);
    if (grant.limits === undefined) throw new Refused('NOT_FOUND', `${grantId} not found.`);
    return grant;
  }
}

/** Lists ids in order; an id is its own place. */
export function fromList(ids: readonly string[]): Source {
  return (after) => {
    const rest = ids.filter((id) => id > after);
    const items = rest.slice(0, MOST);
    return Promise.resolve({
      items: items.map((id) => ({ id, place: id })),
      next: rest.length > items.length ? (items.at(-1) as string) : null,
    });
  };
}

/** Joins ordered pages. What follows the end of a page that has more is left for the next one. */
export function merged(pages: readonly VerbsView[]): Candidates {
  const ends = pages.flatMap(({ next }) => (next === null ? [] : [next]));
  const end = ends.sort()[0];
  const all = [...new Set(pages.flatMap(({ items }) => items))].sort();
  const items = all.filter((id) => end === undefined || id <= end);
  return { items: items.map((id) => ({ id, place: id })), next: end ?? null };
}

const placeOf = (after: string): number | undefined => (after === '' ? undefined : Number(after));
const textOf = (next: number | null): string | null => (next === null ? null : String(next));
