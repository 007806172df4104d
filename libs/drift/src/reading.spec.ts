import fc from 'fast-check';
import { intentOf, intentOfCall } from './families';
import { DRIFT_LIMITS } from './drift-limits';
import { handedOverIn } from './handed-over';
import { ordersIn } from './orders';
import { partsOf } from './parts';
import { isRelated } from './related';
import { callOf, TestTree } from './testing/tree';
import { holds, identifiersIn, valuesOf } from './values';
import { normalize } from './words';

fc.configureGlobal({ seed: 20260135 });

describe('valuesOf', () => {
  it('finds addresses, codes, numbers, names and phrases', () => {
    const values = valuesOf({
      to: ['Ann@Inside.example'],
      iban: 'US133000000121212121212',
      n: 5,
      who: 'River View',
      note: 'as agreed',
      url: 'https://www.a.example/x/',
    });
    expect(values.map(({ kind, text, path }) => [path, kind, text])).toEqual([
      ['to.0', 'identifier', 'ann@inside.example'],
      ['iban', 'identifier', 'us133000000121212121212'],
      ['n', 'number', '5'],
      ['who', 'name', 'river view'],
      ['note', 'phrase', 'as agreed'],
      ['url', 'identifier', 'a.example/x'],
    ]);
  });

  it('finds only identifiers in a long text', () => {
    const body = `Dear all, ${'and so on, '.repeat(20)} see www.secure-systems-252.com or call 0441234567.`;
    expect(valuesOf({ body }).map((value) => value.text)).toEqual(['secure-systems-252.com', '0441234567']);
  });

  it('does not treat the host of an address as a separate value', () => {
    expect(identifiersIn('mail ann.lee@inside.example today')).toEqual(['ann.lee@inside.example']);
  });

  it('is bounded for any arguments', () => {
    const deep = (n: number): unknown => (n === 0 ? 'x1-y2-z3' : [deep(n - 1)]);
    expect(valuesOf(deep(50))).toEqual([]);
    expect(valuesOf(Array.from({ length: 500 }, (_, i) => i)).length).toBe(DRIFT_LIMITS.valuesPerCall);
    fc.assert(fc.property(fc.jsonValue(), (args) => valuesOf(args).length <= DRIFT_LIMITS.valuesPerCall));
  });

  it('finds values only as whole words', () => {
    expect(holds('pay 10.00 to bob', '10')).toBe(true);
    expect(holds('pay 110 to bob', '10')).toBe(false);
    expect(holds('pay 110 or 10', '10')).toBe(true);
    expect(holds('bobby', 'bob')).toBe(false);
    expect(holds('anything', '')).toBe(false);
  });

  it('finds values in a text that contains them, in any spelling', () => {
    const word = fc.stringMatching(/^[a-z]{3,8}[0-9]{3,6}$/);
    fc.assert(
      fc.property(word, fc.lorem(), (value, text) => {
        expect(holds(normalize(`${text} (${value.toUpperCase()}), ${text}`), normalize(value))).toBe(true);
      }),
    );
  });
});

describe('ordersIn', () => {
  const found = (text: string) => ordersIn(text).map((each) => each.text);

  it('finds verbs in imperative positions, up to the end of the next sentence', () => {
    expect(found('Nice weather. Please send 5 to US1330. Use the subject “rent”. Bye.')).toEqual([
      'send 5 to us1330. use the subject “rent”.',
      'use the subject “rent”. bye.',
    ]);
    expect(found('You must delete file 13')).toEqual(['delete file 13']);
    expect(found('- Invite Dora\n- Visit www.a.example')).toEqual(['invite dora', 'visit www.a.example']);
  });

  it('does not find verbs that only describe', () => {
    for (const text of [
      'Ann sent 5 to Bob.',
      'He may have an open order',
      'the transfer of 5',
      'status: sent',
      'email: ann@a.example',
    ]) {
      expect(found(text)).toEqual([]);
    }
  });

  it('finds orders whose verb is of no known family by their form', () => {
    expect(found('The weather is nice. Polish the brass knob. Rain is expected.')).toEqual([
      'polish the brass knob. rain is expected.',
    ]);
    expect(found('Weekly report. Visitors of the museum. Running the mill. They polish the knob.')).toEqual([]);
  });

  it('bounds their number and length', () => {
    const many = ordersIn('Send it to me now, and then some more of it. '.repeat(500));
    expect(many.length).toBe(DRIFT_LIMITS.directivesPerResult);
    for (const { text } of ordersIn(`Send ${'x'.repeat(5_000)}`))
      expect(text.length).toBeLessThanOrEqual(DRIFT_LIMITS.directiveChars);
  });
});

describe('intentOfCall and intentOf', () => {
  it('derive the intent of a call from its name, or from its effect if the name is unknown', () => {
    expect([...intentOfCall({ verb: 'email.send', effect: 'external' }).families]).toEqual(['send']);
    expect(intentOfCall({ verb: 'bank.transfer', effect: 'external' }).families.has('pay')).toBe(true);
    expect([...intentOfCall({ verb: 'thing.frobnicate', effect: 'exec' }).families]).toEqual(['run']);
    expect([...intentOfCall({ verb: 'email.send', effect: 'read' }).families]).toEqual(['visit']);
    expect(intentOfCall({ verb: 'x.y', tool: 'deleteFile', effect: 'write' }).families.has('remove')).toBe(true);
  });

  it('find every action that a goal names', () => {
    expect([...intentOf('Book a table and notify Ann').families].sort()).toEqual(['create', 'send']);
  });
});

describe('isRelated', () => {
  const related = (purpose: string, id: string) => {
    const run = new TestTree().open('run', { purpose }).history.runs.get('run');
    return run !== undefined && isRelated(run, callOf({ resource: { type: 'file', id } }));
  };

  it('relates a resource to a goal that names it or its location', () => {
    expect(related('check the spelling of README.md', 'README.md')).toBe(true);
    expect(related('summarize the annual report', 'reports/annual-report-2024/page-7')).toBe(true);
    expect(related('compare the prices at shop.example', 'https://shop.example/prices')).toBe(true);
  });

  it('does not relate a resource by its extension, its number or a common word', () => {
    expect(related('check the spelling of README.md', 'docs/OTHER.md')).toBe(false);
    expect(related('read page 7', 'wiki/7')).toBe(false);
    expect(related('do it on www.shop.example', 'www.other.example')).toBe(false);
  });
});

describe('handedOverIn', () => {
  it('finds the named sources of a goal that hands authority over', () => {
    expect(handedOverIn('Do everything on my list at lists.example/me')).toEqual(['lists.example/me']);
    expect(handedOverIn('Walter wrote to me. Please complete what he needs.')).toEqual(['walter']);
    expect(handedOverIn("Follow the instructions in 'moving house.txt'")).toContain('moving house.txt');
  });

  it('finds none in a goal that asks for things itself', () => {
    expect(handedOverIn('Send the report of Walter to ann@inside.example')).toEqual([]);
    expect(handedOverIn('Perform the following tasks: 1. Greet Walter.')).toEqual([]);
  });
});

describe('partsOf', () => {
  it('splits a result into the items of its list, which together are the text', () => {
    const item = fc.constantFrom('- a: 1\n  b: 2', '- c', '{"d": 1}', 'plain text');
    fc.assert(
      fc.property(fc.array(item, { maxLength: 9 }), fc.constantFrom('\n', ', '), (items, by) => {
        const text = items.join(by);
        expect(
          partsOf(text)
            .map(({ from, to }) => text.slice(from, to))
            .join(''),
        ).toBe(text);
      }),
    );
    expect(partsOf('- a\n- b\n- c')).toHaveLength(3);
    expect(partsOf('[{"a": 1}, {"b": 2}]')).toHaveLength(2);
  });
});
