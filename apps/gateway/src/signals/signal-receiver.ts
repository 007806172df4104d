import { hash, timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Command, CommandOf } from '@bailiwick/contracts/commands/command';
import { CODES } from '@bailiwick/contracts/error-codes';
import { isInForceAlready, lacksRoomForSuspensions } from '@bailiwick/contracts/revocations/room';
import type { StoredSelector } from '@bailiwick/contracts/revocations/stored-selector';
import { transmitterActor, type SignalRecord } from '@bailiwick/contracts/signals/signal-record';
import { deriveId } from '@bailiwick/core/derive-id';
import { logName } from '@bailiwick/core/ids';
import { LIMITS } from '@bailiwick/core/limits';
import { Refused } from '@bailiwick/edge/refused';
import { payloadOf, Pseudonyms } from '../auth/pseudonyms';
import { LogClient } from '../log-client/log-client';
import { storedSelectorOf } from '../revocations/selector-refs';
import { askedBy, type Asked } from './signal-events';
import { countSignal } from './signal-metrics';
import { selectorsOf } from './signal-selectors';
import { namedBy } from './signal-subjects';
import { SetRefused, SetVerifier, type Arrival, type VerifiedSet } from './set-verifier';
import type { TransmitterConfig } from './transmitter-config';

/**
 * What became of a token. `revokedForRoom`: it was to suspend; `repeated`: it had its effect before; `stream`: it is about
 * the stream of the transmitter.
 */
export type Outcome = SignalRecord['outcome'] | (typeof STOPPED)[number] | 'repeated' | 'stream';
/** The first one counts of a token that has several. */
const STOPPED = ['revokedForRoom', 'revoked', 'suspended'] as const;

/** A configured transmitter with the verifier of its tokens. */
export interface Transmitter {
  readonly config: TransmitterConfig;
  readonly verifier: Pick<SetVerifier, 'verify' | 'arrival'>;
}

/** The configured transmitters. */
export class Transmitters {
  readonly all: readonly Transmitter[];

  constructor(configured: readonly TransmitterConfig[], now: () => number) {
    this.all = configured.map((config) => ({ config, verifier: new SetVerifier(config, now) }));
  }

  /**
   * Returns the transmitter that authenticates itself by its secret. An unknown name and a wrong secret get the same
   * refusal.
   * @throws SetRefused authentication_failed
   */
  authenticate(name: string, authorization: string | undefined): Transmitter {
    const found = this.all.find(({ config }) => config.name === name);
    const secret = /^bearer +([\w.~+/=-]{8,8192})$/i.exec(authorization ?? '')?.[1];
    const given = hash('sha256', secret ?? '', 'buffer');
    const wanted = Buffer.from(found?.config.push?.secretSha256 ?? '0'.repeat(64), 'hex');
    if (!timingSafeEqual(given, wanted) || secret === undefined || !found?.config.push)
      throw new SetRefused('authentication_failed', 'send Authorization: Bearer with the secret of this transmitter');
    return found;
  }
}

/** Has security events of configured transmitters suspend or revoke what belongs to their subjects. */
@Injectable()
export class SignalReceiver {
  constructor(
    private readonly logClient: LogClient,
    private readonly pseudonyms: Pseudonyms,
  ) {}

  /**
   * Verifies a token and does what its events ask for. Its commands are committed when this returns; if the process dies
   * before, the transmitter delivers again. Each command of a token has an id that follows from it, so a repeated one does
   * nothing, at whichever gateway: for a day the owner knows the id, and what it stopped stays known as its revocation.
   * @throws SetRefused; Refused TOO_MANY, NOT_READY if it is to be delivered again later
   */
  async receive(transmitter: Transmitter, text: string, arrival = transmitter.verifier.arrival()): Promise<Outcome> {
    const { config, verifier } = transmitter;
    const outcome = await this.receiveUncounted(config, verifier, text, arrival).catch((error: unknown) => {
      countSignal(config.name, error instanceof SetRefused ? error.err : 'failed');
      throw error;
    });
    countSignal(config.name, outcome);
    return outcome;
  }

  private async receiveUncounted(
    config: TransmitterConfig,
    verifier: Transmitter['verifier'],
    text: string,
    arrival: Arrival,
  ): Promise<Outcome> {
    if (Buffer.byteLength(text) > LIMITS.signals.setBytes)
      throw new SetRefused('invalid_request', `the token is over ${LIMITS.signals.setBytes} bytes`);
    const set = await verifier.verify(text, arrival);
    const asked = askedBy(set.events, config.actions);
    if (asked.ofStream) return 'stream';
    if (asked.action === undefined) return this.record(config, set, 'ignored');
    const refs = {
      person: (name: string) => this.pseudonyms.ref(config.tenant, 'person', name),
      purpose: (purpose: string) => this.pseudonyms.ref(config.tenant, 'purpose', purpose),
    };
    const named = namedBy(set.subject, config.subjects, config.issuer);
    const selectors = selectorsOf(named.map((each) => each.map((part) => storedSelectorOf(part, refs))));
    if (selectors.length === 0) return this.record(config, set, 'unknownSubject');
    if (!config.quarantine && !(await this.reaches(config.tenant, selectors)))
      return this.record(config, set, 'nothingLive');
    return this.stopAll(config, set, asked, selectors);
  }

  /**
   * Reports whether any selector reaches what the preview of an operator would count, what is suspended included: a
   * suspension by a person may be lifted. Most people of an identity provider have no agent, and an event about them adds
   * no rule. That is all that the answer is for: a stop does not wait for an owner that has too much to do to give it.
   */
  private async reaches(tenant: string, selectors: readonly StoredSelector[]): Promise<boolean> {
    for (const selector of selectors) {
      const query = { op: 'reaches', log: logName(tenant, 0), selector } as const;
      const answer = await this.logClient.query<{ reaches: boolean }>(query).catch(() => undefined);
      if (answer?.reaches !== false) return true;
    }
    return false;
  }

  /**
   * Stops by all selectors of a token, each in a separate command: if the process dies between two of them, the token is
   * delivered again and the first ones do nothing. One that is refused for good keeps none of the others from its effect;
   * then the token is refused, since its repetition would be, too.
   * @throws SetRefused
   */
  private async stopAll(
    config: TransmitterConfig,
    set: VerifiedSet,
    asked: Asked,
    selectors: readonly StoredSelector[],
  ): Promise<Outcome> {
    const outcomes: (Outcome | 'inForce')[] = [];
    let refused: Refused | undefined;
    for (const [i, selector] of selectors.entries()) {
      try {
        outcomes.push(await this.stop(config, set, asked, selector, i === 0 ? '' : `_${i + 1}`));
      } catch (error) {
        if (!isFinal(error)) throw error;
        // a quarantine holds all of it: nothing of theirs is live, and nothing new can be
        if (isInForceAlready(error)) outcomes.push('inForce');
        else refused ??= error;
      }
    }
    if (refused) return this.refuse(config, set, refused);
    const stopped = STOPPED.find((each) => outcomes.includes(each));
    if (stopped !== undefined) return stopped;
    return outcomes.includes('inForce') ? this.record(config, set, 'nothingLive', '_in_force') : 'repeated';
  }

  /** @throws SetRefused, after the refusal is recorded in the log, if there is one */
  private async refuse(config: TransmitterConfig, set: VerifiedSet, { code }: Refused): Promise<never> {
    await this.record(config, set, 'refused', '_refused').catch((error: unknown) => {
      if (!isFinal(error) && !(error instanceof SetRefused)) throw error;
    });
    throw new SetRefused('invalid_request', `what the token asks for is refused: ${code}`);
  }

  /** A suspension for which there is no room is a revocation: agents do not continue because others are suspended. */
  private async stop(
    config: TransmitterConfig,
    set: VerifiedSet,
    { action, because, reason }: Asked,
    selector: StoredSelector,
    suffix: string,
  ): Promise<Outcome> {
    const base = this.base(config, set, suffix);
    const says = `${because.join(', ')} from ${config.name} (${set.id})${reason === undefined ? '' : `: ${reason}`}`;
    const command = {
      ...base,
      type: 'revokeSelector',
      revocationId: deriveId('revocation', 0, base.commandId),
      selector,
      force: true,
      quarantine: config.quarantine,
      incident: set.id,
      payload: payloadOf({ reason: says.slice(0, LIMITS.reasonLength).toWellFormed() }),
    } as const satisfies CommandOf<'revokeSelector'>;
    if (action === 'revoke') return this.send(command, 'revoked');
    return this.send({ ...command, mode: 'suspend' }, 'suspended').catch((error: unknown) => {
      // a queue that is full gives the same code, and states nothing about the room
      if (error instanceof Refused && lacksRoomForSuspensions(error)) return this.send(command, 'revokedForRoom');
      throw error;
    });
  }

  private record(
    config: TransmitterConfig,
    set: VerifiedSet,
    outcome: SignalRecord['outcome'],
    suffix = '',
  ): Promise<Outcome> {
    const types = Object.keys(set.events).map((type) => type.slice(0, LIMITS.signals.typeChars).toWellFormed());
    const data = { transmitter: config.name, set: set.id, types, outcome };
    return this.send({ ...this.base(config, set, suffix), type: 'recordSignal', ...data }, outcome);
  }

  /** @param suffix distinguishes the commands of one token */
  private base({ name, issuer, tenant }: TransmitterConfig, set: VerifiedSet, suffix: string) {
    return {
      log: logName(tenant, 0),
      commandId: `idk_signal_${set.id.slice('set:'.length)}${suffix}`,
      requestDigest: set.digest,
      actor: { kind: 'service' as const, id: transmitterActor(name), via: issuer.slice(0, LIMITS.nameLength) },
    };
  }

  private async send(command: Command, outcome: Outcome): Promise<Outcome> {
    try {
      await this.logClient.command(command);
      return outcome;
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (error.code === 'IDEMPOTENCY_KEY_REUSED')
        throw new SetRefused('invalid_request', 'jti is that of another token of this transmitter');
      // the revocation of this token exists: the owner has forgotten its command, not what it did
      if (error.code === 'CONFLICT' && command.type === 'revokeSelector' && !isInForceAlready(error)) return 'repeated';
      throw error;
    }
  }
}

/** Reports whether a repeated command would be refused again: only an overload, or what is not ready, passes. */
const isFinal = (error: unknown): error is Refused =>
  error instanceof Refused && CODES[error.code] < 500 && error.code !== 'TOO_MANY';
