import type { ApprovalRules } from '@bailiwick/authority/approvals/approval-rules';
import type { Conditions } from '@bailiwick/authority/conditions/port';
import type { Agents } from '@bailiwick/authority/manifests/agents';
import type { Catalog } from '@bailiwick/authority/matching/catalog/compile';
import type { CompiledResponder } from '@bailiwick/authority/responders/compile';
import type { CompiledRules } from '@bailiwick/authority/sequences/compile';
import { SHIPPED } from '@bailiwick/authority/sequences/shipped';
import type { Responder } from '@bailiwick/contracts/policy/responder';
import type { PolicyBundle, SectionName } from '@bailiwick/contracts/policy/policy-bundle';
import { canonicalize } from '@bailiwick/core/canonical';
import { sha256hex } from '@bailiwick/core/digest';
import { LIMITS } from '@bailiwick/core/limits';
import { err, ok, type Result } from '@bailiwick/core/result';
import type { PolicyTest } from '@bailiwick/contracts/policy/policy-test';
import { inOrder, nearest, type Place, type Problem } from './problem';
import { schemaProblems } from './schema-problems';
import { agentsSection } from './sections/agents-section';
import { approvalsSection } from './sections/approvals-section';
import { catalogSection } from './sections/catalog-section';
import { conditionsSection } from './sections/conditions-section';
import { respondersSection, unknownRules } from './sections/responders-section';
import { rulesSection } from './sections/rules-section';
import type { Section } from './sections/section';
import { subjectsSection } from './sections/subjects-section';
import { testsSection } from './sections/tests-section';
import { readYaml, type Path, type YamlFile } from './yaml/yaml-file';

/** The sections of a bundle. To add one, add it here and to `policyBundle` of `@bailiwick/contracts`. */
export const SECTIONS = {
  catalog: catalogSection,
  agents: agentsSection,
  rules: rulesSection,
  approvals: approvalsSection,
  responders: respondersSection,
  conditions: conditionsSection,
  subjects: subjectsSection,
  tests: testsSection,
} satisfies Record<SectionName, object>;
const NAMES = Object.keys(SECTIONS) as SectionName[];

/** The files of a bundle: YAML texts by their names. */
export type BundleFiles = Readonly<Record<string, string>>;

/** A bundle without problems. */
export interface CheckedBundle {
  readonly value: PolicyBundle;
  /** the canonical JSON of the value (RFC 8785), and its digest `sha256:<hex>` */
  readonly canonical: string;
  readonly digest: string;
  readonly catalog: Catalog;
  /** undefined if it has no manifests */
  readonly agents: Agents | undefined;
  /** undefined: those of the release stay in force */
  readonly rules: CompiledRules | undefined;
  /** undefined: each approver may approve alone */
  readonly approvals: ApprovalRules | undefined;
  readonly responders: readonly CompiledResponder[];
  /** undefined if it has none */
  readonly conditions: Conditions | undefined;
  readonly tests: readonly PolicyTest[];
  /** Returns a problem at a part of an entry, with its file, line and column. */
  problemAt(section: SectionName, entry: number, path: Path, message: string): Problem;
}

/**
 * Reads and checks a bundle. The entries of a section are those of all files, in the order of the names of the files.
 * Returns every problem, in order; at most `LIMITS.policy.problems` of them, the last of which counts the others.
 */
export function checkBundle(files: BundleFiles): Result<CheckedBundle, Problem[]> {
  const unread = sizeProblems(files);
  if (unread.length > 0) return err(bounded(unread));
  const read = Object.keys(files)
    .sort()
    .map((name) => readYaml(name, files[name] as string));
  const problems = read.flatMap((file) => file.problems);
  const parts = read.filter((file) => file.problems.length === 0).flatMap((file) => partsOf(file, problems));
  const checked = {
    catalog: checkSection('catalog', parts, problems),
    agents: checkSection('agents', parts, problems),
    rules: checkSection('rules', parts, problems),
    approvals: checkSection('approvals', parts, problems),
    responders: checkSection('responders', parts, problems),
    conditions: checkSection('conditions', parts, problems),
    subjects: checkSection('subjects', parts, problems),
    tests: checkSection('tests', parts, problems),
  };
  // an empty list of rules is none, and differs from a bundle without them
  const isRuled = read.some(
    ({ value: file }) => typeof file === 'object' && file !== null && Object.hasOwn(file, 'rules'),
  );
  const ruled = isRuled ? (checked.rules.entries as readonly { name: string }[]) : SHIPPED.list;
  problems.push(...unknownIn(parts, new Set(checked.responders.entries), ruled));
  if (problems.length > 0 || checked.catalog.compiled === undefined) return err(bounded(problems));
  const value: PolicyBundle = {};
  for (const name of NAMES)
    if (checked[name].entries.length > 0 || (name === 'rules' && isRuled))
      Object.assign(value, { [name]: checked[name].entries });
  const canonical = canonicalize(value);
  return ok({
    value,
    canonical,
    digest: `sha256:${sha256hex(canonical)}`,
    catalog: checked.catalog.compiled,
    agents: checked.agents.compiled,
    rules: isRuled ? checked.rules.compiled : undefined,
    approvals: checked.approvals.compiled,
    responders: checked.responders.compiled ?? [],
    conditions: checked.conditions.compiled,
    tests: checked.tests.compiled,
    problemAt: (section, entry, path, message) =>
      problemIn(parts.filter((part) => part.section === section)[entry] as Part, path, message),
  });
}

/** Finds the names in responders that no rule has. */
const unknownIn = (
  parts: readonly Part[],
  responders: ReadonlySet<unknown>,
  rules: readonly { readonly name: string }[],
): Problem[] =>
  parts
    .filter(({ section, value }) => section === 'responders' && responders.has(value))
    .flatMap((part) =>
      unknownRules(
        part.value as Responder,
        rules.map(({ name }) => name),
      ).map(({ path, message, suggestion }) => problemIn(part, path, message, suggestion)),
    );

/** An entry of a section, with its place. */
interface Part {
  readonly section: SectionName;
  readonly file: YamlFile;
  readonly index: number;
  readonly value: unknown;
}

const problemIn = (
  { file, section, index }: Part,
  path: Path,
  message: string,
  suggestion?: string,
  name = false,
  within?: number,
): Problem => file.problemAt([section, index, ...path], message, { suggestion, name, within });

function sizeProblems(files: BundleFiles): Problem[] {
  const names = Object.keys(files);
  const problem = (file: string, message: string): Problem => ({ file, line: 1, column: 1, path: '', message });
  const { policy } = LIMITS;
  if (names.length === 0) return [problem('', 'the bundle has no files')];
  if (names.length > policy.files)
    return [problem(names[0] as string, `the bundle has more than ${policy.files} files`)];
  const sizes = names.map((name) => Buffer.byteLength(files[name] as string));
  const problems = names.flatMap((name, i) => {
    const size = sizes[i] as number;
    if (!/^\w[\w.-]*(\/\w[\w.-]*)*\.ya?ml$/.test(name) || name.length > policy.fileName)
      return [
        problem(
          name.slice(0, policy.fileName),
          'the name of a file is made of letters, digits, _, - and ., and ends with .yaml',
        ),
      ];
    return size > policy.fileBytes
      ? [problem(name, `the file has ${size} bytes, and at most ${policy.fileBytes} are read`)]
      : [];
  });
  const total = sizes.reduce((sum, each) => sum + each, 0);
  if (problems.length === 0 && total > policy.bytes)
    return [problem(names[0] as string, `the files have ${total} bytes, and at most ${policy.bytes} are read`)];
  return problems;
}

/** Returns the entries of all sections of a file. */
function partsOf(file: YamlFile, problems: Problem[]): Part[] {
  const { value } = file;
  if (value === undefined || value === null) return []; // an empty file, or one of comments
  if (typeof value !== 'object' || Array.isArray(value)) {
    problems.push(file.problemAt([], `a file is a mapping of the sections ${NAMES.join(', ')}`));
    return [];
  }
  return Object.entries(value).flatMap(([section, entries]) => {
    if (!isSection(section)) {
      const message = `unknown section ${section}; known are ${NAMES.join(', ')}`;
      problems.push(file.problemAt([section], message, { suggestion: nearest(section, NAMES), name: true }));
      return [];
    }
    if (!Array.isArray(entries)) {
      problems.push(file.problemAt([section], 'a section is a list of entries', { name: true }));
      return [];
    }
    const { notEmpty } = SECTIONS[section] as Section<unknown, unknown>;
    if (entries.length === 0 && notEmpty !== undefined)
      problems.push(file.problemAt([section], notEmpty, { name: true }));
    return entries.map((each: unknown, index): Part => ({ section, file, index, value: each }));
  });
}

const isSection = (name: string): name is SectionName => Object.hasOwn(SECTIONS, name);

function checkSection<N extends SectionName>(
  name: N,
  all: readonly Part[],
  problems: Problem[],
): { entries: readonly unknown[]; compiled: ReturnType<(typeof SECTIONS)[N]['compile']> } {
  const section = SECTIONS[name] as Section<unknown, ReturnType<(typeof SECTIONS)[N]['compile']>>;
  const parts = all.filter((part) => part.section === name);
  const beyond = parts[section.most];
  if (beyond) problems.push(problemIn(beyond, [], `more than ${section.most} entries in ${name}`));
  const fitting: Part[] = [];
  for (const part of parts) {
    const found = schemaProblems(section.schema, part.value);
    for (const { path, message, suggestion, name: named } of found)
      problems.push(problemIn(part, path, message, suggestion, named));
    if (found.length === 0) fitting.push(part);
  }
  const entries = fitting.map(({ value }) => value);
  const compiled = section.compile(entries, (entry, path, message, { suggestion, other, within } = {}) => {
    const part = fitting[entry] as Part;
    const place = other === undefined ? undefined : problemIn(fitting[other] as Part, [], '');
    const text = place ? `${message} (${placeText(place)})` : message;
    problems.push(problemIn(part, path, text, suggestion, false, within));
  });
  return { entries, compiled };
}

const placeText = ({ file, line }: Place): string => `${file}, line ${line}`;

function bounded(problems: readonly Problem[]): Problem[] {
  const sorted = problems.toSorted(inOrder);
  if (sorted.length <= LIMITS.policy.problems) return sorted;
  const shown = sorted.slice(0, LIMITS.policy.problems - 1);
  const next = sorted[shown.length] as Problem;
  return [...shown, { ...next, path: '', message: `${sorted.length - shown.length} more problems, from here on` }];
}
