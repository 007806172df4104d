/** Breaks one rule: replaces the text `from`, which occurs once in the sources that a simulation loads, with `to`. */
export interface Mutation {
  readonly name: string;
  readonly from: string;
  readonly to: string;
  /** caught within few seeds, so every run of the tests includes it */
  readonly often?: true;
}

/** The mutations that the simulation must catch. A text that no longer occurs is an error: update the mutation. */
export const MUTATIONS: readonly Mutation[] = [
  {
    name: 'an owner answers before its commit (I4)',
    from: 'if (sealed.length > 0) await this.commit(sealed, batch.notAfter);',
    to: 'if (sealed.length > 0) void this.commit(sealed, batch.notAfter).catch(() => undefined);',
    often: true,
  },
  {
    name: 'an owner ignores a refused append (I4)',
    from: 'if (!result.ok) throw',
    to: 'if (result.ok && !result.next) throw',
  },
  {
    name: 'an owner keeps its state after a failed commit (I10)',
    from: "a batch failed; the state is dropped and refolded', error);\n      this.state = undefined;",
    to: "a batch failed; the state is dropped and refolded', error);",
  },
  {
    name: 'an owner reads only the first page of its log',
    from: 'if (events.length < pace.events) return state;',
    to: 'if (events.length >= 0) return state;',
  },
  {
    name: 'an owner does not recognize its own retries (I4)',
    from: '(isKeyed(command.commandId) ? state.keyed : state.tries)',
    to: 'state.keyed',
  },
  {
    name: 'a retry returns only the first event (I4)',
    from: 'this.options.eventlog.read(this.options.log, first, count)',
    to: 'this.options.eventlog.read(this.options.log, first, Math.min(1, count))',
  },
  {
    name: 'a retry returns the current state of an approval (I4)',
    from: 'const then = approval && asOf(approval, at);',
    to: 'const then = approval;',
  },
  {
    name: 'an owner decides although its clock went back (I11)',
    from: 'const wrong = state.lastTime - clock > LIMITS.clockBackMs',
    to: 'const wrong = state.lastTime - clock > Infinity',
  },
  {
    name: 'an owner continues to decide during a long append (I11)',
    from: 'this.clock.now() - this.inFlight.since > LIMITS.decideAheadMs',
    to: 'this.clock.now() - this.inFlight.since > Infinity',
  },
  {
    name: 'two events may be written at one position (I5)',
    from: 'if (kept.length !== expectedPosition) {',
    to: 'if (kept.length < 0) {',
  },
  {
    name: 'a snapshot omits the idempotency keys (I4, I10)',
    from: "for (const entry of state.keyed) yield ['keyed', commandRow(entry)];",
    to: '',
  },
  {
    name: 'idempotency keys are not restored from a snapshot (I4)',
    from: 'state[kind].set(value[0],',
    to: "if (kind === 'tries') state[kind].set(value[0],",
  },
  {
    name: 'permits are not restored from a snapshot (I7)',
    from: 'state.actions.set(action.id, action);',
    to: '',
  },
  {
    name: 'only the leaf is charged (I3)',
    from: 'for (const grant of chain) reserve(',
    to: 'for (const grant of chain.slice(0, 1)) reserve(',
    often: true,
  },
  {
    name: 'a count that is used up does not exhaust its grant (I3)',
    from: '...exhaustedBy(chain, asked.charge),',
    to: '',
  },
  {
    name: 'a raised grant loses its usage (I3)',
    from: 'usage: usageFor(data.limits, event.position, old),',
    to: 'usage: usageFor(data.limits, event.position),',
  },
  {
    name: 'ancestors are not checked to be live (I2)',
    from: 'for (let i = chain.length - 1; i >= 0; i--) {',
    to: 'for (let i = 0; i >= 0; i--) {',
  },
  {
    name: 'a rule revokes nothing (I6)',
    from: 'if (revocationId !== undefined) return { grantId: grant.id, status:',
    to: 'if (revocationId === null) return { grantId: grant.id, status:',
    often: true,
  },
  {
    name: 'a dead grant may delegate (I2)',
    from: "return refuse('GRANT_NOT_LIVE', `no grant can be made below",
    to: "if (now < 0) return refuse('GRANT_NOT_LIVE', `no grant can be made below",
  },
  {
    name: 'a child may live longer than its parent (I1)',
    from: 'if (violations.length === 0) return resolved;',
    to: "if (violations.every((each) => each.dimension === 'time')) return resolved;",
  },
  {
    name: 'the limits of ancestors are not checked (I1)',
    from: 'for (const [i, grant] of chain.entries()) {\n    const { usage }',
    to: 'for (const [i, grant] of chain.slice(0, 1).entries()) {\n    const { usage }',
  },
  {
    name: 'an approval may be used again (I8)',
    from: "approval.status = 'used';",
    to: '',
  },
  {
    name: 'a permit has no deadline (I7)',
    from: "state.deadlines.add({ at: outcomeUntil, kind: 'action', id });",
    to: '',
  },
  {
    name: 'an outcome does not close its permit (I7)',
    from: 'state.actions.delete(id);',
    to: '',
  },
  {
    name: 'a quarantine is not checked on delegation (I6)',
    from: 'const asked = subjectAsked(command.agent, {\n    principalRef: parentRun',
    to: 'const asked = subjectAsked({ ...command.agent, class: `no ${command.agent.class}` }, {\n    principalRef: parentRun',
  },
  {
    name: 'a follower skips a batch that it failed to handle (I10)',
    from: "await this.fail('handle', error, attempt);",
    to: "await this.fail('handle', error, attempt);\n        return this.settle(batch.next);",
    often: true,
  },
  {
    name: 'a follower does not read its position after a lost reply (I10)',
    from: 'if (stored === batch.from || stored === undefined) continue;',
    to: 'if (attempt > 0) continue;',
  },
  {
    name: 'a follower waits for notifications and never polls (I10)',
    from: '() => wantsReading(this.state))) this.state = onGap(this.state);',
    to: '() => wantsReading(this.state))) this.state = { ...this.state };',
  },
  {
    name: 'two halves of a tree are swapped (I12)',
    from: 'hash: nodeHash(left.hash, node.hash)',
    to: 'hash: nodeHash(node.hash, left.hash)',
    often: true,
  },
  {
    name: 'an owner continues to answer after its lease has ended (I11)',
    from: 'return this.held.get(log) === epoch && this.passed() < LEASE_MS - MARGIN_MS;',
    to: 'return this.held.get(log) === epoch;',
  },
  {
    name: 'a lease starts at its confirmation instead of its request (I11)',
    from: 'this.beaten = { clock: sent, wall, store: roster.now };',
    to: 'this.beaten = { clock: clock.now(), wall: this.wall.now(), store: roster.now };',
  },
];
