import { err, ok, type Result } from '@bailiwick/core/result';
import { Refused } from '@bailiwick/edge/refused';
import type { TokenClaims } from '@bailiwick/edge/tokens/grant-token';
import { isObject, itemsOf, membersOf, withMembers } from '../json-text';
import { BOUNDARY_LIMITS } from '../boundary-limits';
import type { PinStore } from '../tools/pin-store';
import { UpstreamGone } from '../upstream/connection';
import type { Upstream } from '../upstream/upstream';
import { couldOperate, couldPermit, type LeaseView, type LeaseViews } from './lease-views';
import { promptOperation, READ, resourceOperation } from './operations';
import type { Seals } from './seals';

interface Listing {
  /** the member of the result that has the items */
  readonly member: string;
  /** the capability without which a server has none */
  readonly capability: string;
  readonly isShown: (view: LeaseView, server: string, item: Record<string, unknown>) => boolean;
}

/** The lists of a server other than its tools, by method. */
export const LISTINGS: Readonly<Record<string, Listing>> = {
  'resources/list': {
    member: 'resources',
    capability: 'resources',
    isShown: (view, server, item) => {
      const operation = resourceOperation(server, item);
      return operation.ok && couldPermit(view, server, operation.value);
    },
  },
  // which resources a template stands for is known when one is read
  'resources/templates/list': {
    member: 'resourceTemplates',
    capability: 'resources',
    isShown: (view, server) => couldOperate(view, server, READ),
  },
  'prompts/list': {
    member: 'prompts',
    capability: 'prompts',
    isShown: (view, server, { name }) => {
      const operation = promptOperation(server, { name });
      return operation.ok && couldPermit(view, server, operation.value, 'in part');
    },
  },
};

/** Lists what a lease could ever permit of the resources, templates and prompts of a server. */
export class Listings {
  constructor(
    private readonly views: LeaseViews,
    private readonly pins: PinStore,
    private readonly seals: Seals,
  ) {}

  /**
   * Returns the text of a result: a page of the server without what the lease could not permit. A cursor of the server is
   * sealed for the lease.
   * @returns as the error, what is wrong with the params
   * @throws Refused, UpstreamGone
   */
  async list(
    claims: TokenClaims,
    upstream: Upstream,
    { method, cursor }: { method: string; cursor: unknown },
  ): Promise<Result<string, string>> {
    const listing = LISTINGS[method];
    if (!listing) return err(`${method} lists nothing`);
    const binding = [claims.tenant, claims.grantId, upstream.name, method];
    const own = cursor === undefined ? undefined : this.seals.open(cursor, binding);
    if (cursor !== undefined && own === undefined) return err('the cursor is none of this run and list');
    const empty = `{"${listing.member}":[]}`;
    const [view, pin] = await Promise.all([this.views.of(claims), this.pins.find(claims.tenant, upstream.name)]);
    if (!view || pin?.identity !== upstream.identity) return ok(empty);
    if (!(listing.capability in (await upstream.capabilities()))) return ok(empty);
    const answer = await upstream.request(method, own === undefined ? {} : { cursor: own }, {
      signal: AbortSignal.timeout(BOUNDARY_LIMITS.listMs),
    });
    if (!answer.ok) throw new UpstreamGone(`the upstream does not answer ${method}`);
    const { nextCursor } = JSON.parse(answer.result) as { nextCursor?: unknown };
    const items = itemsOf(membersOf(answer.result)?.get(listing.member) ?? '') ?? [];
    const shown = items.filter((text) => {
      const item = JSON.parse(text) as unknown;
      return isObject(item) && listing.isShown(view, upstream.name, item);
    });
    return ok(
      withMembers(answer.result, {
        [listing.member]: `[${shown.join(',')}]`,
        nextCursor:
          typeof nextCursor === 'string' && nextCursor !== ''
            ? JSON.stringify(this.sealed(nextCursor, binding))
            : undefined,
      }),
    );
  }

  private sealed(cursor: string, binding: readonly string[]): string {
    const sealed = this.seals.seal(cursor, binding);
    if (sealed.length <= BOUNDARY_LIMITS.sealedChars) return sealed;
    throw new Refused('TOO_LARGE', 'the cursor of the server is too long');
  }
}
