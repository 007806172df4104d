import { randomUUID } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import type { CommandOf } from '@bailiwick/contracts/commands/command';
import type { Actor } from '@bailiwick/contracts/events/event';
import { logName } from '@bailiwick/core/ids';
import type { Logger } from '@bailiwick/platform/logging';
import { personCaller } from '../auth/caller';
import type { SignedIn } from '../auth/issuers/people';
import { PersonNames } from '../auth/person-names';
import { Pseudonyms } from '../auth/pseudonyms';
import type { KeyCaller } from '../auth/sessions/session-callers';
import { LOGGER } from '../config';
import { LogClient } from '../log-client/log-client';
import { RefusalReports } from '../reporting/refusal-reports';

type Change = Pick<CommandOf<'recordSession'>, 'change' | 'with' | 'personRef' | 'sessions'>;

/** Of an attempt to sign in, by whomever. */
const GATEWAY: Actor = { kind: 'service', id: 'gateway' };

/**
 * Records sign-ins in the log of their tenant. A sign-in does not wait for its record, nor fail without it: the people who
 * stop agents sign in while an owner is busy. A record that fails is in this service's log.
 */
@Injectable()
export class SessionRecords {
  constructor(
    private readonly logClient: LogClient,
    private readonly refusals: RefusalReports,
    private readonly names: PersonNames,
    private readonly pseudonyms: Pseudonyms,
    @Inject(LOGGER) private readonly logger: Pick<Logger, 'warn'>,
  ) {}

  /** Records that a person of an issuer has signed in, and their name apart from it. */
  signedIn(person: SignedIn): void {
    const caller = personCaller(person, this.pseudonyms);
    this.names.record(caller.tenant, [{ ref: caller.actor.id, name: person.person }]);
    this.changed(caller, { change: 'started', with: 'issuer' });
  }

  changed({ tenant, actor }: Pick<KeyCaller, 'tenant' | 'actor'>, change: Change): void {
    const command: CommandOf<'recordSession'> = {
      ...change,
      ...{ type: 'recordSession', log: logName(tenant, 0), commandId: `cmd_${randomUUID()}`, actor },
    };
    this.logClient
      .command(command)
      .catch((error: unknown) =>
        this.logger.warn({ err: error }, `a sign-in of tenant ${tenant} could not be recorded`),
      );
  }

  /** Records a sign-in that failed, within the bounds of refusals. @param code of ours: a text of others could be anything */
  failed(tenant: string, means: NonNullable<Change['with']>, code: string): void {
    const detail = `a sign-in to the console by ${means === 'link' ? 'a link' : 'an issuer'} failed: ${code}`;
    this.refusals.report({ kind: 'key', tenant, roles: [], actor: GATEWAY }, 'sign-in', detail);
  }
}
