import type { AskedBundle, MissingCall } from '@bailiwick/contracts/approvals/asked-bundle';
import type { GrantRequest, PermissionsLimit, Selector } from '@bailiwick/contracts/grants/grant';
import type { AskableBundle } from '@bailiwick/contracts/policy/manifest';
import type { Refusal } from '@bailiwick/contracts/reason';
import { canonicalDigest } from '@bailiwick/core/digest';
import { parseDuration } from '@bailiwick/core/duration';
import { err, ok, type Result } from '@bailiwick/core/result';
import { coversAction, keyOfEntry } from '../dimensions/entry';
import { isCapped } from '../dimensions/part-caps';
import { permissions as dimension } from '../dimensions/permissions';
import { normalizeResourceId } from '../matching/pattern';
import { normalizeVerb } from '../matching/verbs/verb';
import { clip, listed } from '../presentation/text';
import { compileMost } from './most';

/*
 * Progressive consent: a run starts with little, and asks a person for a bundle of permissions when it needs it. What it
 * may ask for is stated by the manifest of its class, and what it then holds stays within `most` like any lease.
 */

/** A bundle that a manifest lists, with its entries normalized. */
export interface Bundle {
  readonly asked: AskedBundle;
  readonly permissions: PermissionsLimit;
  /** how long it is held from the approval, ms; undefined: as long as the lease */
  readonly lastsMs: number | undefined;
}

/** What a manifest lets a run ask for. */
export interface MayAsk {
  readonly bundles: readonly Bundle[];
  /** a person is asked for anything else; otherwise it is refused */
  readonly unlisted: boolean;
}

/** Normalizes entries of permissions. @param known they were checked when the bundle was deployed */
export function entriesOf(permissions: PermissionsLimit, known: boolean): Result<PermissionsLimit, Refusal> {
  const compiled = compileMost({ permissions }, known);
  return compiled.ok ? ok(compiled.value.limits.permissions ?? []) : compiled;
}

/** Compiles a bundle; undefined if this release cannot read it: then nothing of it can be asked for (I11). */
export function compileBundle(bundle: AskableBundle): Bundle | undefined {
  const entries = entriesOf(bundle.permissions, true);
  const lastsMs = bundle.lasts === undefined ? undefined : parseDuration(bundle.lasts);
  if (!entries.ok || (bundle.lasts !== undefined && !(lastsMs !== undefined && lastsMs > 0))) return undefined;
  const { name, words, lasts } = bundle;
  return {
    asked: { name, words, digest: canonicalDigest(bundle), ...(lasts === undefined ? {} : { lasts }) },
    permissions: entries.value,
    lastsMs,
  };
}

/** What a run asks for: limits in addition to its own, and the bundle that they are a part of. */
export interface Wanted {
  readonly want: GrantRequest;
  readonly bundle: Bundle | undefined;
}

interface Asking {
  readonly want?: GrantRequest | undefined;
  readonly ask?: string | undefined;
  readonly missing?: MissingCall | undefined;
}

/**
 * Returns what an escalation asks for. With a list, anything that is no bundle and no part of one is refused unless the
 * manifest lets a person be asked for it.
 * @param mayAsk of the manifest in force; undefined: it lists nothing
 * @param name of the manifest, for people
 */
export function wanted(
  { want, ask, missing }: Asking,
  mayAsk: MayAsk | undefined,
  name: string,
): Result<Wanted, Refusal> {
  if (ask !== undefined || missing !== undefined) {
    const found =
      ask === undefined
        ? coveringBundle(mayAsk, missing as MissingCall)
        : ok(mayAsk?.bundles.find(({ asked }) => asked.name === ask));
    if (!found.ok) return found;
    const bundle = found.value;
    if (bundle) return ok({ want: { permissions: [...bundle.permissions] }, bundle });
    return err(notListed(ask === undefined ? 'the call' : `a bundle ${clip(ask)}`, mayAsk, name));
  }
  const asks = want ?? {};
  if (mayAsk === undefined) return ok({ want: asks, bundle: undefined });
  const bundle = bundleWith(mayAsk, asks);
  if (bundle || mayAsk.unlisted) return ok({ want: asks, bundle });
  return err(notListed('that', mayAsk, name));
}

/** Returns the first bundle of which a request is a part: it names permissions only, each inside an entry of the bundle. */
function bundleWith({ bundles }: MayAsk, { permissions, ...rest }: GrantRequest): Bundle | undefined {
  if (permissions === undefined || Object.values(rest).some((each) => each !== undefined)) return undefined;
  const entries = entriesOf(permissions, false);
  if (!entries.ok || entries.value.length === 0) return undefined;
  return bundles.find((each) => isPart(entries.value, each.permissions));
}

/**
 * Reports whether entries are a part of a bundle: each is inside one of its entries. Of those that only entries with caps
 * cover there is one, or they are as listed: each entry of a lease counts for itself, and two parts of one entry would
 * count twice what it allows.
 */
function isPart(entries: PermissionsLimit, bundle: PermissionsLimit): boolean {
  if (!dimension.attenuates(entries, bundle).ok) return false;
  const capped = new Set(bundle.filter(isCapped).map(keyOfEntry));
  if (capped.size === 0) return true;
  const free = bundle.filter((each) => !isCapped(each));
  const counting = entries.filter((each) => !dimension.attenuates([each], free, 1 / entries.length).ok);
  return counting.length <= 1 || counting.every((each) => capped.has(keyOfEntry(each)));
}

/** Returns the first bundle that covers a call whatever its attributes are: a person is asked, and each call is decided. */
function coveringBundle(
  mayAsk: MayAsk | undefined,
  { verb, resource }: MissingCall,
): Result<Bundle | undefined, Refusal> {
  const [as, id] = [normalizeVerb(verb), normalizeResourceId(resource.id)];
  if (!as.ok) return err({ code: 'PATTERN_INVALID', detail: `missing.verb ${JSON.stringify(clip(verb))} ${as.error}` });
  if (!id.ok)
    return err({
      code: 'PATTERN_INVALID',
      detail: `missing.resource.id ${JSON.stringify(clip(resource.id))}: ${id.error}`,
    });
  const facts = {
    verb: as.value,
    effect: 'read' as const,
    resource: { type: resource.type, id: id.value, attributes: {} },
  };
  return ok(
    mayAsk?.bundles.find(({ permissions }) =>
      permissions.some((entry) =>
        coversAction({ ...entry, resources: entry.resources.map(unconditional) }, facts, true),
      ),
    ),
  );
}

const unconditional = ({ where: _, ...selector }: Selector): Selector => selector;

function notListed(what: string, mayAsk: MayAsk | undefined, name: string): Refusal {
  const names = mayAsk?.bundles.map(({ asked }) => asked.name) ?? [];
  const may = names.length === 0 ? 'lists nothing to ask for' : `lists only ${listed(names)}`;
  const detail = `a person is not asked for ${what}: ${name} ${may}`;
  return {
    code: 'GRANT_EXCEEDS_MAXIMUM',
    detail: `${detail}; GET /v1/permissions/self states what can be asked for`,
    reasons: [{ rule: 'manifest', outcome: 'deny', code: 'NOT_LISTED_TO_ASK', message: detail, path: 'mayAsk' }],
  };
}

/**
 * Returns the refusal of an approval for what the manifest in force no longer lists as it was asked for.
 * @param mayAsk of the manifest in force
 */
export function noLongerListed(
  bundle: AskedBundle | undefined,
  mayAsk: MayAsk | undefined,
  name: string,
): Refusal | undefined {
  if (mayAsk === undefined || mayAsk.unlisted) return undefined;
  if (bundle && mayAsk.bundles.some(({ asked }) => asked.digest === bundle.digest)) return undefined;
  return notListed(bundle ? `the bundle ${bundle.name} as it was asked for` : 'that', mayAsk, name);
}
