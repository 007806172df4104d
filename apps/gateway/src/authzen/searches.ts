import { Injectable } from '@nestjs/common';
import type { z } from 'zod';
import type { actionSearchBody, resourceSearchBody, subjectSearchBody } from '@bailiwick/contracts/http/authzen-search';
import { canonicalDigest } from '@bailiwick/core/digest';
import { CODES } from '@bailiwick/contracts/error-codes';
import { LIMITS } from '@bailiwick/core/limits';
import type { Caller } from '../auth/caller';
import { Refused } from '../http/problems/problem';
import type { RequestContext } from '../http/request-context';
import { SearchCandidates, type Candidate, type Source } from './candidates';
import { toAction } from './evaluation';
import { Evaluations } from './evaluations';
import { PageTokens } from './page-tokens';
import { Subjects } from './subjects';

export type SubjectSearch = z.infer<typeof subjectSearchBody>;
export type ResourceSearch = z.infer<typeof resourceSearchBody>;
export type ActionSearch = z.infer<typeof actionSearchBody>;
type Search = SubjectSearch | ResourceSearch | ActionSearch;

/** The ids, or names, of one page. `next` is empty on the last page. */
export interface Found {
  readonly ids: readonly string[];
  readonly next: string;
}

interface Asked {
  readonly kind: 'subject' | 'resource' | 'action';
  readonly body: Search;
  readonly source: Source;
  /** those of the subject; a subject search has none */
  readonly leases: readonly string[];
  /** the evaluation that asks for a candidate alone */
  readonly evaluationOf: (id: string) => unknown;
}

const { page, pageDefault, decisions: DECISIONS, decisionsAtOnce } = LIMITS.authzen;
const NOTHING: Found = { ids: [], next: '' };

/**
 * Searches for subjects, resources and actions. Each candidate is decided as a dry run of the evaluation that asks for it
 * alone, so that no result contains what an evaluation would deny, and nothing is charged.
 * @see AuthZEN Authorization API 1.0 §8
 */
@Injectable()
export class Searches {
  constructor(
    private readonly evaluations: Evaluations,
    private readonly subjects: Subjects,
    private readonly candidates: SearchCandidates,
    private readonly tokens: PageTokens,
  ) {}

  subject(context: RequestContext, body: SubjectSearch): Promise<Found> {
    const { type } = body.subject;
    return this.pageOf(context, {
      kind: 'subject',
      body,
      source: this.candidates.subjectsOf(context.caller, type),
      leases: [],
      evaluationOf: (id) => ({ ...body, subject: { ...body.subject, type, id } }),
    });
  }

  async resource(context: RequestContext, body: ResourceSearch): Promise<Found> {
    const leases = await this.leasesOf(context.caller, body.subject);
    if (leases.length === 0) return NOTHING;
    const { type } = body.resource;
    return this.pageOf(context, {
      kind: 'resource',
      body,
      source: await this.candidates.resourcesOf(context.caller, leases, type),
      leases,
      evaluationOf: (id) => ({ ...body, resource: { ...body.resource, type, id } }),
    });
  }

  async action(context: RequestContext, body: ActionSearch): Promise<Found> {
    const leases = await this.leasesOf(context.caller, body.subject);
    if (leases.length === 0) return NOTHING;
    return this.pageOf(context, {
      kind: 'action',
      body,
      source: this.candidates.verbsOf(context.caller, leases),
      leases,
      evaluationOf: (name) => ({ ...body, action: { name } }),
    });
  }

  /** A subject without a lease finds nothing. */
  private async leasesOf(caller: Caller, subject: ResourceSearch['subject']): Promise<readonly string[]> {
    try {
      return await this.subjects.leasesOf(caller, subject);
    } catch (error) {
      if (error instanceof Refused && error.code === 'NOT_FOUND') return [];
      throw error;
    }
  }

  private async pageOf(context: RequestContext, asked: Asked): Promise<Found> {
    const { caller } = context;
    const { token, limit = pageDefault } = asked.body.page ?? {};
    const search = boundTo(caller, asked);
    const most = Math.min(limit, page);
    const ids: string[] = [];
    let place = token === undefined ? '' : this.tokens.open(search, token);
    for (let made = 0; made < DECISIONS;) {
      const { items, next } = await asked.source(place);
      for (let at = 0; at < items.length && made < DECISIONS;) {
        const some = items.slice(at, at + Math.min(decisionsAtOnce, DECISIONS - made));
        const permitted = await Promise.all(some.map((each, i) => this.permits(context, asked, each, made + i)));
        made += some.length;
        for (const [i, candidate] of some.entries()) {
          if (!permitted[i]) continue;
          if (ids.length === most) return { ids, next: this.tokens.seal(search, place) };
          ids.push(candidate.id);
          place = candidate.place;
        }
        at += some.length;
        if (ids.length < most) place = (some.at(-1) as Candidate).place;
        if (made >= DECISIONS && (at < items.length || next !== null))
          return { ids, next: this.tokens.seal(search, place) };
      }
      if (next === null) return { ids, next: '' };
      if (ids.length < most) place = next;
      if (ids.length === most) return { ids, next: this.tokens.seal(search, place) };
      if (items.length === 0) made += decisionsAtOnce; // finding none also takes time
    }
    return { ids, next: this.tokens.seal(search, place) };
  }

  private async permits(context: RequestContext, asked: Asked, candidate: Candidate, at: number): Promise<boolean> {
    try {
      const evaluation = toAction(asked.evaluationOf(candidate.id), true);
      const leases =
        candidate.leases ??
        (asked.kind === 'subject' ? await this.subjects.leasesOf(context.caller, evaluation.subject) : asked.leases);
      const { answer } = await this.evaluations.tryOut(context, leases, evaluation.request, String(at));
      return answer.decision === 'permit';
    } catch (error) {
      // a candidate that is refused is no result; without an answer about one the search has none
      if (error instanceof Refused && CODES[error.code] < 500 && error.code !== 'TOO_MANY') return false;
      throw error;
    }
  }
}

/**
 * Identifies a search by its tenant, its caller if that is a run, and all values but its page. Another limit does not make
 * it another search.
 */
function boundTo(caller: Caller, { kind, body }: Asked): string {
  const { page: _page, ...values } = body;
  try {
    const digest = canonicalDigest(values);
    return [kind, caller.tenant, caller.kind === 'run' ? caller.runId : '', digest].join('\n');
  } catch (error) {
    throw new Refused('BAD_REQUEST', (error as Error).message);
  }
}
