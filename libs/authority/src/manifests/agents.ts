import type { PermissionsLimit } from '@bailiwick/contracts/grants/grant';
import type { ScopedObligation } from '@bailiwick/contracts/obligations/obligation';
import type { DefaultLease, ManifestEntry, WorkingHours } from '@bailiwick/contracts/policy/manifest';
import type { Refusal } from '@bailiwick/contracts/reason';
import { isTimeZone } from '@bailiwick/core/calendar';
import { canonicalDigest } from '@bailiwick/core/digest';
import { parseDuration } from '@bailiwick/core/duration';
import { err, ok, type Result } from '@bailiwick/core/result';
import { resolveRoot, tenantDefaults } from '../commands/grants/resolve';
import { agentFault } from '../matching/names';
import { normalizeVerbPattern } from '../matching/verbs/verb';
import { clip } from '../presentation/text';
import { boundOf, compileMost, widerThanMost, type Most } from './most';
import { defaultsUnder, merged } from './default-lease';
import { compileBundle, entriesOf, type MayAsk } from './may-ask';

/** What the agents of a class may hold. */
export interface Manifest {
  /** as the bundle names it: a class, or `*` */
  readonly name: string;
  /** of its canonical JSON: it identifies the manifest in any version */
  readonly digest: string;
  readonly most: Most | undefined;
  readonly lease: DefaultLease;
  readonly hours: WorkingHours | undefined;
  readonly asks: boolean;
  /** what a run may ask for while it works; undefined: anything within the most */
  readonly mayAsk: MayAsk | undefined;
  /** what enforcement points must do with the calls of its class, and of all leases below it */
  readonly obligations: readonly ScopedObligation[];
  /** this release cannot read it, and an agent of its class may do nothing (I11) */
  readonly fault: string | undefined;
}

/** The manifests of a bundle. */
export class Agents {
  private readonly byClass: ReadonlyMap<string, Manifest>;
  /** some manifest has obligations */
  readonly oblige: boolean;

  constructor(manifests: readonly Manifest[]) {
    this.oblige = manifests.some((each) => each.obligations.length > 0);
    this.byClass = new Map(manifests.map((each) => [each.name, each]));
  }

  /** Returns the manifest of a class: its own, or that of all others. */
  of(agentClass: string): Manifest | undefined {
    return this.byClass.get(agentClass) ?? this.byClass.get('*');
  }
}

/** A fault in one manifest. */
export interface ManifestFault {
  /** index of the manifest */
  readonly entry: number;
  /** its member, as in `['most', 'budget', 'calls']` */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** index of an earlier manifest that it is in conflict with */
  readonly other?: number;
}

/**
 * Compiles the manifests of a deployed bundle; undefined if it has none. One with a fault, which an earlier release did
 * not find, allows nothing.
 */
export const agentsOf = (entries: readonly ManifestEntry[] | undefined): Agents | undefined =>
  entries === undefined ? undefined : new Agents(entries.map((entry) => compile(entry)));

/** Checks the manifests of a bundle, and compiles them; returns every fault in them. */
export function compileAgents(entries: readonly ManifestEntry[]): Result<Agents, ManifestFault[]> {
  const faults = faultsOf(entries);
  return faults.length > 0 ? err(faults) : ok(agentsOf(entries) as Agents);
}

function compile(entry: ManifestEntry): Manifest {
  const most = entry.most && compileMost(entry.most, true);
  return {
    name: entry.class,
    digest: canonicalDigest(entry),
    most: most?.ok ? most.value : undefined,
    lease: entry.lease ?? {},
    hours: entry.hours,
    asks: entry.beyond === 'ask',
    mayAsk: entry.mayAsk && {
      bundles: entry.mayAsk.flatMap((each) => compileBundle(each) ?? []),
      unlisted: entry.unlisted === 'ask',
    },
    obligations: normalized(entry.obligations ?? []).list,
    fault: most?.ok === false ? most.error.detail : undefined,
  };
}

function faultsOf(entries: readonly ManifestEntry[]): ManifestFault[] {
  const seen = new Map<string, number>();
  return entries.flatMap((each, entry) => {
    const other = seen.get(each.class);
    seen.set(each.class, entry);
    const twice =
      other === undefined ? [] : [{ entry, path: ['class'], message: `${each.class} has another manifest`, other }];
    return [...twice, ...faultsIn(each).map((fault) => ({ entry, ...fault }))];
  });
}

type Fault = Pick<ManifestFault, 'path' | 'message'>;

function faultsIn(entry: ManifestEntry): Fault[] {
  const faults: Fault[] = [];
  const name = entry.class === '*' ? undefined : agentFault({ class: entry.class });
  if (name) faults.push({ path: ['class'], message: name.detail.replace(/^agent\.class /, '') });
  if (entry.hours && !isTimeZone(entry.hours.timezone))
    faults.push({
      path: ['hours', 'timezone'],
      message: `${entry.hours.timezone} is not a known time zone; write it like Europe/Berlin`,
    });
  faults.push(...normalized(entry.obligations ?? []).faults);
  const most = entry.most && compileMost(entry.most, false);
  if (most?.ok === false) return [...faults, faultAt('most', most.error)];
  faults.push(...faultsInBundles(entry, most?.value));
  if (entry.lease === undefined) return faults;
  const now = Date.UTC(2026, 0, 1);
  const { lease } = entry;
  const defaults = defaultsUnder(most?.value, tenantDefaults(now), now);
  const resolved = resolveRoot(
    merged(lease, {}),
    defaults,
    now,
    defaults,
    most?.ok ? boundOf(most.value, defaults, now) : undefined,
  );
  if (!resolved.ok) return [...faults, faultAt('lease', resolved.error)];
  const wider = most?.ok ? widerThanMost(most.value, resolved.value, now) : [];
  return [
    ...faults,
    ...wider.map(({ path, message }) => ({
      path: ['lease', ...stepsOf(path)],
      message: `the default lease ${asManifest(message)}`,
    })),
  ];
}

/** Finds faults in what a manifest lists to ask for: each bundle must be within the most. */
function faultsInBundles({ mayAsk, unlisted }: ManifestEntry, most: Most | undefined): Fault[] {
  if (mayAsk === undefined)
    return unlisted === undefined ? [] : [{ path: ['unlisted'], message: 'needs mayAsk, which lists the others' }];
  const names = new Set<string>();
  return mayAsk.flatMap(({ name, permissions, lasts }, i) => {
    const at = (member: string, ...steps: (string | number)[]) => ['mayAsk', i, member, ...steps];
    const faults: Fault[] = [];
    if (names.has(name)) faults.push({ path: at('name'), message: `${name} is the name of an earlier bundle` });
    names.add(name);
    if (lasts !== undefined && !((parseDuration(lasts) ?? 0) > 0))
      faults.push({ path: at('lasts'), message: 'must be longer than nothing' });
    for (const [k, { until }] of permissions.entries())
      if (until !== undefined)
        faults.push({ path: at('permissions', k, 'until'), message: 'a bundle has no fixed end; state lasts' });
    return [
      ...faults,
      ...wideBundle(permissions, most).map(({ path, message }) => ({ path: ['mayAsk', i, ...path], message })),
    ];
  });
}

const IN_BUNDLES: ReadonlySet<string> = new Set(['actions', 'resources', 'permissions']);

/** Returns where a bundle is malformed, or wider than the most. */
function wideBundle(permissions: PermissionsLimit, most: Most | undefined): Fault[] {
  const entries = entriesOf(permissions, false);
  if (!entries.ok) {
    const { path, message } = faultAt('most', entries.error);
    return [{ path: path.slice(1), message }];
  }
  if (most === undefined) return [];
  const now = Date.UTC(2026, 0, 1);
  const defaults = defaultsUnder(most, tenantDefaults(now), now);
  const resolved = resolveRoot(
    { permissions: [...entries.value] },
    defaults,
    now,
    defaults,
    boundOf(most, defaults, now),
  );
  if (!resolved.ok) return [{ path: ['permissions'], message: clip(resolved.error.detail, 500) }];
  return widerThanMost(most, resolved.value, now)
    .filter(({ dimension }) => IN_BUNDLES.has(dimension))
    .map(({ message }) => ({ path: ['permissions'], message: `the bundle ${asManifest(message)}` }));
}

/** Normalizes the verbs of obligations. In doubt an obligation is for every verb. */
function normalized(obligations: readonly ScopedObligation[]): { list: ScopedObligation[]; faults: Fault[] } {
  const faults: Fault[] = [];
  const list = obligations.map((each, i): ScopedObligation => {
    if (each.actions === undefined) return each;
    const verbs = each.actions.map((text, k) => {
      const pattern = normalizeVerbPattern(text);
      if (pattern.ok) return pattern.value;
      faults.push({
        path: ['obligations', i, 'actions', k],
        message: `${JSON.stringify(clip(text))} ${pattern.error}`,
      });
      return '**';
    });
    return { ...each, actions: verbs };
  });
  return { list, faults };
}

/** A refusal of a lease names its members as a request has them. */
function faultAt(member: 'most' | 'lease', { detail }: Refusal): Fault {
  const path = /^grant\.?([\w.[\]]*)/.exec(detail)?.[1] ?? '';
  const message = clip(detail.replace(/^grant[\w.[\]]*:? ?/, ''), 500);
  return { path: [member, ...stepsOf(path)], message };
}

/** Splits a path in limits: `permissions[0].actions` into `permissions`, 0 and `actions`. */
const stepsOf = (path: string): (string | number)[] =>
  [...path.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, name]) =>
    index === undefined ? (name as string) : Number(index),
  );

/** A comparison with a parent, as one with a manifest. */
export const asManifest = (message: string): string =>
  message.replaceAll('its parent’s', 'the manifest’s').replaceAll('its parent', 'the manifest');
