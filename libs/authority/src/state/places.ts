import type { Limits, PermissionsLimit, ResourcesLimit, Selector } from '@bailiwick/contracts/grants/grant';
import { matches } from '../dimensions/resources';
import { formOf } from '../matching/name-forms';

/**
 * Reports whether the lease or the goal names the place (host, bucket, domain) of a resource. Pass the root lease,
 * which an orchestrator or a person made: a run that may delegate could name any place in the lease of its child. A
 * selector names the place if its place is literal and it covers the resource: `*.example.com` names no host. A
 * source of the goal names the place if it is the place itself or a path above the resource; a source with a scheme
 * names places of that scheme only.
 */
export function namesPlace({ resources, permissions, purpose }: Limits, type: string, id: string): boolean {
  const place = placeOf(id);
  const isNamed = (selector: Selector): boolean =>
    (selector.type === '*' || selector.type === type) && matches(selector, id);
  return (
    (selectorsAt(resources, place)?.some(isNamed) ?? false) ||
    (Array.isArray(permissions) && (selectorsAt(permissions, place)?.some(isNamed) ?? false)) ||
    purpose.delegatedSources.some((source) => isAt(source, id))
  );
}

/** Leases share their lists, so that one index serves all that were issued alike. */
const BY_PLACE = new WeakMap<ResourcesLimit | PermissionsLimit, ReadonlyMap<string, Selector[]>>();

/** Returns the selectors of a list, or of its entries, that name a place. */
function selectorsAt(list: ResourcesLimit | PermissionsLimit, place: string): readonly Selector[] | undefined {
  let index = BY_PLACE.get(list);
  if (!index) {
    const places = new Map<string, Selector[]>();
    for (const selector of list.flatMap((each) => ('resources' in each ? each.resources : [each]))) {
      const at = placeOf(selector.match);
      places.set(at, [...(places.get(at) ?? []), selector]);
    }
    index = places;
    BY_PLACE.set(list, index);
  }
  return index.get(place);
}

/**
 * Returns the first segment, of an absolute path with its slash, of a URL with its scheme. Only a pattern has a `*` in
 * it, so that no wildcard equals the place of a resource.
 */
function placeOf(path: string): string {
  const form = formOf(path);
  const from = form === 'relative' ? 0 : form === 'absolute' ? 1 : `${form}://`.length;
  const end = path.indexOf('/', from);
  return (end < 0 ? path : path.slice(0, end)).toLowerCase();
}

function isAt(source: string, id: string): boolean {
  const [scheme = ''] = /^[a-z][a-z+.-]*:\/\//i.exec(source) ?? [];
  const path = source.slice(scheme.length).replace(/\/+$/, '').toLowerCase();
  const form = formOf(id);
  const ofId = form === 'http' || form === 'https' ? `${form}://` : '';
  if (ofId !== '' && scheme !== '' && scheme.toLowerCase() !== ofId) return false;
  const whole = id.slice(ofId.length).toLowerCase();
  return path !== '' && !path.includes('*') && (whole === path || whole.startsWith(`${path}/`));
}
