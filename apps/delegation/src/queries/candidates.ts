import { leaseOfRun, leasesOf, openLeases, principals } from '@bailiwick/authority/candidates/leases';
import { subjectTypes } from '@bailiwick/authority/candidates/subject-types';
import { candidateVerbs } from '@bailiwick/authority/candidates/verbs';
import type { Rules } from '@bailiwick/authority/commands/types';
import { current, type LogState } from '@bailiwick/authority/state/state';
import type { Answer } from '@bailiwick/contracts/commands/command';
import type { Query } from '@bailiwick/contracts/queries/query';
import { LIMITS } from '@bailiwick/core/limits';
import type { LogOwner } from '../log-owner/owner';

type CandidatesQuery = Extract<Query, { op: 'leases' | 'principals' | 'subjectTypes' | 'verbs' }>;

const { leasesVisited } = LIMITS.authzen;

/** Answers what a search may try. Reads only committed state. */
export function candidates(
  owner: Pick<LogOwner, 'read'>,
  { catalog }: Pick<Rules, 'catalog'>,
  query: CandidatesQuery,
): Promise<Answer> {
  return owner.read((state, now): Answer => ({ ok: true, value: valueOf(state, catalog, query, now) }));
}

function valueOf(state: LogState, catalog: Rules['catalog'], query: CandidatesQuery, now: number): unknown {
  switch (query.op) {
    case 'leases': {
      const { runId, principalRef, after = -1, limit } = query;
      if (runId !== undefined) return { items: [leaseOfRun(state, runId) ?? []].flat(), next: null };
      return principalRef === undefined
        ? openLeases(state, after, limit, leasesVisited, now)
        : leasesOf(state, principalRef, limit, leasesVisited, now);
    }
    case 'principals':
      return principals(state, query.after ?? -1, query.limit, leasesVisited, now);
    case 'subjectTypes':
      return { items: subjectTypes(state) };
    case 'verbs': {
      const grant = current(state, query.grantId);
      if (!grant) return { items: [], next: null };
      const inForce = state.policies.current?.catalog ?? catalog;
      return candidateVerbs(grant.limits, inForce, query.after ?? '', query.limit);
    }
  }
}
