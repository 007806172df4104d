import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkBundle } from '@bailiwick/policy/bundle';
import { readDefaultBundle } from '@bailiwick/policy/default-bundle';
import { DEFAULT_BUNDLE } from '@bailiwick/policy/default-catalog';
import { problemText } from '@bailiwick/policy/problem';
import { runPolicyTests } from '@bailiwick/policy/rehearsal/run-policy-tests';
import { approvalRule } from '@bailiwick/contracts/policy/approval-rule';
import { catalogEntry } from '@bailiwick/contracts/policy/catalog-entry';
import { manifest, most } from '@bailiwick/contracts/policy/manifest';
import { responder, responderTrigger } from '@bailiwick/contracts/policy/responder';
import { OPERATORS, policyRule, STEP_KINDS, stepMatcher } from '@bailiwick/contracts/policy/rule';
import { LIMITS } from '@bailiwick/core/limits';

const PAGE = readFileSync(join(__dirname, '..', '..', 'docs', 'policy.md'), 'utf8');
const blocks = [...PAGE.matchAll(/^```yaml\n(.*?)^```/gms)].map(([, text]) => text as string);
const section = (name: string): string => blocks.find((text) => text.startsWith(`${name}:`)) ?? '';

describe('docs/policy.md', () => {
  it('shows entries of a catalog that are valid', () => {
    const checked = checkBundle({ 'page.yaml': section('catalog') });
    expect(checked.ok ? [] : checked.error.map(problemText)).toEqual([]);
    expect(checked.ok && checked.value.value.catalog?.length).toBe(2);
  });

  it('shows manifests that are valid, and explains each of their members and bounds', () => {
    const checked = checkBundle({ 'page.yaml': section('agents') });
    expect(checked.ok ? [] : checked.error.map(problemText)).toEqual([]);
    const rows = PAGE.split('\n').filter((line) => line.startsWith('| `'));
    for (const member of [...Object.keys(manifest.shape), ...Object.keys(most.shape)])
      expect([member, rows.some((row) => (row.split('|')[1] ?? '').includes(`\`${member}`))]).toEqual([member, true]);
  });

  it('shows a rule whose examples hold, and explains each member, operator and kind of step', () => {
    for (const text of blocks.filter((each) => each.startsWith('rules:'))) {
      const checked = checkBundle({ 'page.yaml': text });
      expect(checked.ok ? [] : checked.error.map(problemText)).toEqual([]);
    }
    for (const member of [...Object.keys(policyRule.shape), ...Object.keys(stepMatcher.shape), ...STEP_KINDS])
      expect(PAGE).toContain(`\`${member}\``);
    for (const operator of OPERATORS) expect(PAGE).toContain(`\`${operator}: `);
  });

  it('shows rules about approvals that are valid, and explains each of their members', () => {
    const checked = checkBundle({ 'page.yaml': section('approvals') });
    expect(checked.ok ? [] : checked.error.map(problemText)).toEqual([]);
    const rows = PAGE.split('\n').filter((line) => line.startsWith('| `'));
    for (const member of Object.keys(approvalRule.shape))
      expect([member, rows.some((row) => (row.split('|')[1] ?? '').includes(`\`${member}\``))]).toEqual([member, true]);
  });

  it('shows responders that are valid, and explains each of their members and triggers', () => {
    const checked = checkBundle({ 'page.yaml': section('responders') });
    expect(checked.ok ? [] : checked.error.map(problemText)).toEqual([]);
    expect(checked.ok && checked.value.responders.length).toBe(5);
    const rows = PAGE.split('\n').filter((line) => line.startsWith('| `'));
    for (const member of [...Object.keys(responder.shape), ...Object.keys(responderTrigger.shape)])
      expect([member, rows.some((row) => (row.split('|')[1] ?? '').includes(`\`${member}\``))]).toEqual([member, true]);
  });

  it('states what each rule of the release disturbs, and its outcome', () => {
    for (const { name, outcome } of DEFAULT_BUNDLE.value.rules ?? [])
      expect(PAGE).toMatch(new RegExp(`^\\| \`${name}\` \\| ${outcome} \\|`, 'm'));
  });

  it('shows tests that pass under the default bundle', () => {
    const checked = checkBundle({ ...readDefaultBundle(), 'tests.yaml': section('tests'), 'tests-by-area.yaml': '' });
    if (!checked.ok) throw new Error(checked.error.map(problemText).join('\n'));
    expect(checked.value.tests).toHaveLength(2);
    expect(runPolicyTests(checked.value).map(problemText)).toEqual([]);
  });

  it('explains each member of an entry', () => {
    const rows = PAGE.split('\n').filter((line) => line.startsWith('| `'));
    for (const member of Object.keys(catalogEntry.shape))
      expect([member, rows.some((row) => (row.split('|')[1] ?? '').includes(`\`${member}\``))]).toEqual([member, true]);
  });

  it('states the bounds of a bundle', () => {
    const { files, fileBytes, bytes, depth, catalogEntries, tests, rules, ruleValues, approvals, conditions } =
      LIMITS.policy;
    const [kib, mib] = [fileBytes / 1024, bytes / 1024 / 1024];
    expect(PAGE).toContain(`at most ${files} files, of ${kib} KiB each and ${mib} MiB together, ${depth} levels deep`);
    expect(PAGE).toContain(
      `${catalogEntries.toLocaleString('en')} entries in \`catalog\` and ${tests.toLocaleString('en')} in \`tests\`, ${rules} \`rules\`, ${approvals.rules} rules in \`approvals\`, and ${conditions} policies in \`conditions\``,
    );
    expect(PAGE).toContain(`at most ${ruleValues.toLocaleString('en')} values of a tree`);
  });

  it('states the labels that the default bundle uses', () => {
    const used = new Set((DEFAULT_BUNDLE.value.catalog ?? []).flatMap(({ labels = [] }) => labels));
    for (const label of used) expect(PAGE).toContain(`\`${label}\``);
  });
});
