import type { Permission, Selector } from '@bailiwick/contracts/grants/grant';
import type { AttributeSource } from '@bailiwick/contracts/policy/catalog-entry';
import type { PolicyRule } from '@bailiwick/contracts/policy/rule';
import { ADDRESSES } from './call-of-tool';
import { grantOf, type DerivedLease, type DerivedPermission } from './derived-lease';

/** Who a derived manifest is for. */
export interface ManifestHead {
  readonly agentClass: string;
  readonly owner: string;
  readonly words: string;
}

/** Formats JSON as flow YAML; every JSON text is a text in quotation marks in YAML. */
const flow = (value: unknown): string => JSON.stringify(value);
/** A comment in one line, with nothing that could end it. */
const comment = (text: string): string => `# ${text.replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')}`;

/**
 * Formats a derived lease as the section `agents` of a policy bundle, in YAML, with a comment for the evidence of each
 * part: the most that the class may hold.
 */
export function manifestText({ agentClass, owner, words }: ManifestHead, lease: DerivedLease): string {
  const { time, actions, resources, budget = {}, risk } = grantOf(lease);
  const { permissions, runs, sequences, most } = lease;
  return [
    comment(
      `Derived from ${counted(runs, 'clean run')}. Review every line: what is here was used, not necessarily needed.`,
    ),
    ...sequences.map((each) => comment(`${each.runs} of ${runs}: ${each.steps}`)),
    'agents:',
    `  - class: ${flow(agentClass)}`,
    `    owner: ${flow(owner)}`,
    `    words: ${flow(words)}`,
    '    most:',
    ...(time ? [`      time: ${flow(time)}`] : []),
    `      actions: ${flow(actions)}`,
    `      resources: ${flow(resources)}`,
    '      permissions:',
    ...permissions.flatMap(({ entry, runs: of, says }) => [
      `        ${comment(`${entry.actions.join(', ')}: in ${of} of ${counted(runs, 'run')}`)}`,
      ...says.map((each) => `        ${comment(each)}`),
      ...entryText(entry),
    ]),
    '      budget:',
    ...Object.entries(budget).map(([name, cap]) => {
      const used = Object.hasOwn(most, name) ? ` ${comment(`at most ${most[name]} in one run`)}` : '';
      return `        ${name}: ${flow(cap)}${used}`;
    }),
    `      risk: ${flow(risk)}`,
    '    beyond: ask',
    ...rulesText(lease.rules),
    ...catalogText(permissions),
    '',
  ].join('\n');
}

function rulesText(rules: readonly PolicyRule[]): string[] {
  if (rules.length === 0) return [];
  return [
    comment(
      'Without these rules, the permissions above allow more reads. A bundle has one list of rules: join them to yours.',
    ),
    'rules:',
    ...rules.map((rule) => `  - ${flow(rule)}`),
  ];
}

/**
 * Returns entries of the catalog by which the gateway takes resource and tied attributes from the arguments of tools itself,
 * so that no caller can state others.
 */
function catalogText(permissions: readonly DerivedPermission[]): string[] {
  const entries = permissions.flatMap(({ entry: { actions, resources }, tool }) =>
    tool === undefined
      ? []
      : [
          {
            tools: actions,
            verb: actions[0],
            effects: tool.effects,
            risk: tool.risk,
            resource: { type: resources[0]?.type, id: resources[0]?.match },
            ...(tool.attributes.length === 0
              ? {}
              : { attributes: Object.fromEntries(tool.attributes.map((name) => [name, sourceOf(name)])) }),
          },
        ],
  );
  if (entries.length === 0) return [];
  return [
    comment('By this the gateway takes the resource and its attributes from the arguments. Add it to your catalog.'),
    'catalog:',
    ...entries.map((each) => `  - ${flow(each)}`),
  ];
}

const sourceOf = (name: string): AttributeSource => (name === ADDRESSES ? { addresses: 'all' } : pointerTo(name));

/** @param name members joined by dots, as `attributesOf` names them */
const pointerTo = (name: string): string =>
  `/${name
    .split('.')
    .map((part) => part.replaceAll('~', '~0').replaceAll('/', '~1'))
    .join('/')}`;

function entryText({ actions, resources, ...caps }: Permission): string[] {
  return [
    `        - actions: ${flow(actions)}`,
    ...Object.entries(caps).map(([name, cap]) => `          ${name}: ${flow(cap)}`),
    '          resources:',
    ...resources.map((selector: Selector) => `            - ${flow(selector)}`),
  ];
}

const counted = (count: number, one: string): string => `${count} ${one}${count === 1 ? '' : 's'}`;
