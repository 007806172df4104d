import { remembered } from '@bailiwick/core/memo';
import { wordsOf } from './words';

/**
 * Families of actions, independent of tool names. A goal names families by its verbs, a call by the words of its verb
 * and tool; the goal did not ask for a call of a family that it never names. A word may belong to several families.
 */
const FAMILIES = {
  send: 'send sends sending email emails mail mails message messages forward reply respond notify tell inform write dm ping',
  publish: 'post posts publish upload share announce tweet comment push broadcast',
  pay: 'pay pays transfer refund wire buy purchase order donate reimburse settle charge',
  create:
    'create add make write append insert schedule book reserve save put generate draft compose open register record plan prepare suggest set',
  change:
    'update change modify edit adjust reschedule rename move set fix correct replace upgrade refactor commit merge patch refresh bump extend amend',
  remove: 'delete remove cancel drop erase clear purge revoke unsubscribe destroy kick uninstall',
  admit: 'invite add share grant allow permit approve authorize enable promote assign',
  run: 'run execute install deploy build start launch restart test compile exec shell spawn invoke',
  visit:
    'visit open browse go fetch download get read check see look view navigate click follow find search load retrieve show list query summarize summarise review',
} as const;
export type Family = keyof typeof FAMILIES;

/** Objects of the families above. A call on one of these groups requires that the goal names the group, too. */
const OBJECTS = {
  money:
    'money payment payments transaction transactions amount bill rent fee price dollars euros usd eur bank account iban refund difference salary invoice pay paid transfer',
  credential: 'password passwords passphrase credential credentials key keys token tokens secret secrets',
  permission: 'permission permissions role roles access member members invite',
  mail: 'email emails mail mails inbox mailbox',
  message: 'message messages channel channels dm chat direct',
  event: 'event events calendar meeting meetings appointment appointments schedule participants invite',
  file: 'file files document documents drive folder folders list spreadsheet',
  booking:
    'hotel hotels restaurant restaurants car cars flight flights reservation reservations booking room table reserve book rental',
  web: 'web website websites webpage webpages page pages site url link links blog',
} as const;
export type ObjectGroup = keyof typeof OBJECTS;

function index<K extends string>(table: Record<K, string>): Map<string, K[]> {
  const words = new Map<string, K[]>();
  for (const name of Object.keys(table) as K[]) {
    for (const word of table[name].split(' ')) words.set(word, [...(words.get(word) ?? []), name]);
  }
  return words;
}
const FAMILY_OF = index<Family>(FAMILIES);
const OBJECT_OF = index<ObjectGroup>(OBJECTS);

export const familiesOfWord = (word: string): readonly Family[] => FAMILY_OF.get(word) ?? [];

/** The actions that a text names, and their objects. */
export interface Intent {
  readonly families: ReadonlySet<Family>;
  readonly objects: ReadonlySet<ObjectGroup>;
}

export function intentOf(text: string): Intent {
  const words = wordsOf(text);
  return {
    families: new Set(words.flatMap((word) => FAMILY_OF.get(word) ?? [])),
    // an address to send to implies mail
    objects: new Set([
      ...words.flatMap((word) => OBJECT_OF.get(word) ?? []),
      ...(/\S@\S+\.\S/.test(text) ? (['mail'] as const) : []),
    ]),
  };
}

/** cached, since verbs recur with every call */
const intentOfName = remembered(intentOf, 1_024);

/**
 * Derives the intent of a call from the words of its verb and tool. If none is known, the effect alone counts. A call
 * with the effect `read` only reads, regardless of its name.
 */
export function intentOfCall(call: { verb: string; tool?: string | undefined; effect: string }): Intent {
  const { families, objects } = intentOfName(`${call.verb} ${call.tool ?? ''}`);
  if (call.effect === 'read') return { families: new Set(['visit']), objects };
  const does = new Set<Family>([...families].filter((family) => family !== 'visit'));
  if (objects.has('money') && does.has('send')) does.add('pay');
  if (does.size === 0) for (const family of BY_EFFECT[call.effect] ?? []) does.add(family);
  return { families: does, objects };
}

const BY_EFFECT: Record<string, readonly Family[]> = {
  write: ['create', 'change'],
  external: ['send', 'publish'],
  exec: ['run'],
};
