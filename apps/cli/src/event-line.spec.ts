import type { EventItem } from '@bailiwick/client/client';
import { eventLine, namedRows } from './event-line';

const REF = `ref_${'a'.repeat(26)}`;
const EVENT = {
  position: 7,
  time: '2026-01-02T00:00:00Z',
  type: 'ApprovalGiven',
  actor: { kind: 'person', id: REF },
  data: { by: REF },
} as unknown as EventItem;

describe('a line of an event', () => {
  it('names the person who acted if their name came with the page, and has their ref otherwise', () => {
    const [row] = namedRows({ items: [EVENT], names: { [REF]: 'user:ada@example.com' } }) as [EventItem];
    expect(eventLine(row)).toContain('ApprovalGiven        by user:ada@example.com');
    expect(eventLine(EVENT)).toContain(`by ${REF}`);
    const [erased] = namedRows({ items: [EVENT], names: { [REF]: null } }) as [EventItem];
    expect(eventLine(erased)).toContain('by erased person ref_aaaa');
  });

  it('names no service, and shows no control character of a text', () => {
    const data = { verb: 'x\u001b[2J' };
    const line = eventLine({ ...EVENT, actor: { kind: 'service', id: 'key:admin' }, data });
    expect(line).not.toContain('key:admin');
    expect(line).not.toContain('x\u001b');
  });
});
