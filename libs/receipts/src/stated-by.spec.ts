import { askedBy, renderReceipt } from './render';
import { shownStatements } from './shown-statements';
import { busyRun } from './testing/busy-run';
import { claimsOf } from './testing/sealed-log';

const busy = busyRun();
const claims = claimsOf(busy.log, busy.runId);
const opener = busy.log.events[0]!.actor.id;

describe('the requester of a run', () => {
  it('is claimed together with the actor that stated them: the one that opened the root run', () => {
    expect(claims).toMatchObject({ requestedBy: 'ann@example.com', requestedByStatedBy: opener });
    expect(claims.doesNotProve.some((line) => line.includes('did ask'))).toBe(true);
  });

  it('is printed as stated by that actor, even if the receipt does not name the actor', () => {
    expect(renderReceipt(claims).join('\n')).toContain(`asked by  ann@example.com (stated by ${opener})`);
    expect(askedBy(null, undefined)).toBe('(erased or withheld) (stated by the caller that opened the run)');
    expect(askedBy('user:\u0430nn', 'key:o')).toContain('CYRILLIC SMALL LETTER A');
  });
});

describe('shownStatements', () => {
  it('shows every statement of a receipt in the wording that people read, and loses none', () => {
    const shown = shownStatements(claims.doesNotProve);
    expect(shown).toHaveLength(claims.doesNotProve.length);
    expect(shown).toContain('that the approver understood the request');
    const printed = renderReceipt(claims).join('\n');
    for (const line of shown) expect(printed).toContain(line);
    expect(printed).not.toContain('she approved');
  });

  it('leaves a statement that it does not know as it is', () => {
    expect(shownStatements(['another statement'])).toEqual(['another statement']);
  });
});
