import { createHmac } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { CommandOf } from '@bailiwick/contracts/commands/command';
import { hasRoom, take } from '@bailiwick/core/allowance';
import { systemClock } from '@bailiwick/core/clock';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import type { Logger } from '@bailiwick/platform/logging';
import { LOGGER } from '../config';
import { LogClient } from '../log-client/log-client';
import { personCaller } from './caller';
import type { SignedIn } from './issuers/people';
import { PersonNames } from './person-names';
import { Pseudonyms } from './pseudonyms';

const { signIns: RATES, signersKept: KEPT } = LIMITS.issuers;

/**
 * Records the first use of each token of an issuer: people sign in at the issuer alone, at the command line or elsewhere, and
 * present its token here. The id of the command is derived from the token, so that its owner records it once a day for all
 * gateways, and after any restart. A request does not wait for the record, nor fail without it: it is tried again when the
 * token is next verified. Beyond the rates nothing is recorded until then, so that a person with many tokens cannot fill the log.
 */
@Injectable()
export class TokenSignIns {
  private readonly recorded = new LRUCache<string, true>({ max: KEPT });
  /** person, or tenant → when its bucket is full */
  private readonly people = new LRUCache<string, number>({ max: KEPT });
  private readonly tenants = new LRUCache<string, number>({ max: KEPT });
  private readonly key: Buffer;

  constructor(
    @Inject(LogClient) private readonly logClient: Pick<LogClient, 'command'>,
    @Inject(PersonNames) private readonly names: Pick<PersonNames, 'record'>,
    private readonly pseudonyms: Pseudonyms,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {
    this.key = pseudonyms.keyFor('sign-ins by token');
  }

  /** @param digest of the token, which was verified at this moment */
  used(person: SignedIn, digest: string): void {
    if (this.recorded.has(digest)) return;
    const { tenant, actor } = personCaller(person, this.pseudonyms);
    if (!this.hasRoomFor(tenant, actor.id)) return;
    this.recorded.set(digest, true);
    this.names.record(tenant, [{ ref: actor.id, name: person.person }]);
    const id = createHmac('sha256', this.key).update(`${tenant}\n${digest}`).digest('hex').slice(0, 52);
    const command: CommandOf<'recordSession'> = {
      ...{ type: 'recordSession', log: logName(tenant, 0), commandId: `idk_${id}`, actor },
      ...{ change: 'started', with: 'token' },
    };
    // if this process dies here, the next use of the token records it
    this.logClient.command(command).catch((error: unknown) => {
      this.recorded.delete(digest);
      this.logger.warn({ err: error }, `a sign-in of tenant ${tenant} could not be recorded`);
    });
  }

  /** Takes from the rates of a person and of their tenant, from both or from none. */
  private hasRoomFor(tenant: string, ref: string): boolean {
    const now = systemClock.now();
    const person = `${tenant}\n${ref}`;
    if (!hasRoom(this.people.get(person), now, RATES.person)) return false;
    if (!hasRoom(this.tenants.get(tenant), now, RATES.tenant)) return false;
    this.people.set(person, take(this.people.get(person), now, RATES.person));
    this.tenants.set(tenant, take(this.tenants.get(tenant), now, RATES.tenant));
    return true;
  }
}
