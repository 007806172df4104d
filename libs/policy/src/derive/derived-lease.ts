import type { PolicyRule } from '@bailiwick/contracts/policy/rule';
import type { Effect, GrantRequest, Mode, Permission, Risk, Selector } from '@bailiwick/contracts/grants/grant';

/** An entry of `permissions` with its evidence. */
export interface DerivedPermission {
  readonly entry: Permission;
  /** the number of runs with a call that it admits */
  readonly runs: number;
  /** what its resources were generalized from, one sentence each */
  readonly says: readonly string[];
  /** the facts of its calls, if their resource is the tool and its arguments are the attributes */
  readonly tool?: { readonly effects: readonly Effect[]; readonly risk: Risk; readonly attributes: readonly string[] };
}

/** The smallest lease that would have admitted some runs, with margins and the evidence for each part. */
export interface DerivedLease {
  /** the number of runs that it was derived from */
  readonly runs: number;
  readonly permissions: readonly DerivedPermission[];
  /** by which a person is asked about what the runs show little about; they count for the class of the runs */
  readonly rules: readonly PolicyRule[];
  readonly mode: Mode;
  readonly budget: NonNullable<GrantRequest['budget']>;
  /** what the caps of the budget were, by their names, without the margin */
  readonly most: Readonly<Record<string, number>>;
  /** a duration; undefined if no times are recorded */
  readonly ttl?: string | undefined;
  readonly risk: { readonly ceiling: Risk; readonly approvalFrom: Risk };
  /** the stages and effects of the runs in their order, most frequent first */
  readonly sequences: readonly { readonly steps: string; readonly runs: number }[];
}

/** Returns the lease as the `grant` of `POST /v1/runs`, and as `most` of a manifest. */
export const grantOf = ({ permissions, mode, budget, ttl, risk }: DerivedLease): GrantRequest => ({
  ...(ttl === undefined ? {} : { time: { ttl } }),
  actions: { allow: [...new Set(permissions.flatMap(({ entry }) => entry.actions))], mode },
  resources: typesOf(permissions),
  permissions: permissions.map(({ entry }) => entry),
  budget,
  risk,
});

/** The forms of names: a pattern covers names of one of them. */
const EVERY = ['**', '/**', 'https://**', 'http://**'] as const;

/** The envelope names the types alone: the permissions tie verbs to resources, and a lease is bounded in size. */
function typesOf(permissions: readonly DerivedPermission[]): Selector[] {
  const selectors = permissions.flatMap(({ entry }) => entry.resources);
  const forms = new Map(
    selectors.map(({ type, match }) => [`${type} ${formOf(match)}`, { type, match: formOf(match) }]),
  );
  return [...forms.values()].sort((a, b) => a.type.localeCompare(b.type) || a.match.localeCompare(b.match));
}

/** Returns the pattern of every name of the form of a pattern. */
export const formOf = (match: string): string =>
  EVERY.find((each) => each !== '**' && match.startsWith(each.slice(0, -2))) ?? '**';
