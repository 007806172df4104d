import type { Command } from 'commander';
import type { GraphEdge, GraphNode, RunGraph } from '@bailiwick/contracts/queries/run-graph';
import { marked } from '@bailiwick/core/look-alike';
import { clientFor, UsageError, type GlobalOptions } from '../context';
import { table, yellow } from '../render';

interface GraphFlags extends GlobalOptions {
  format: string;
}

export function addGraphCommand(program: Command): void {
  program
    .command('graph <run>')
    .description('runs, leases, actions and approvals from a run down, and what links them')
    .option('--format <text|dot>', 'text, or the language of Graphviz', 'text')
    .action(async (run: string, _flags, command: Command) => {
      const flags = command.optsWithGlobals<GraphFlags>();
      if (flags.format !== 'text' && flags.format !== 'dot') throw new UsageError('--format must be text or dot');
      const graph = await clientFor(flags, 'analyst').get<RunGraph>(`/v1/runs/${run}/graph`);
      if (flags.json) return console.log(JSON.stringify(graph));
      console.log(flags.format === 'dot' ? dotOf(graph) : textOf(graph));
      if (graph.truncated) console.error(yellow('The tree has more events than one answer reads.'));
    });
}

const statusOf = ({ status, outcome }: GraphNode): string => [status, outcome].filter(Boolean).join(', ');
const edgeText = ({ kind, values }: GraphEdge): string => (values === undefined ? kind : `${kind} (${values})`);

function textOf({ nodes, edges }: RunGraph): string {
  const labels = new Map(nodes.map(({ id, label }) => [id, marked(label)]));
  return [
    table(
      ['kind', 'label', 'status', 'id'],
      nodes.map((node) => [node.kind, marked(node.label), statusOf(node), node.id]),
    ),
    '',
    table(
      ['edge', 'from', 'to'],
      edges.map((edge) => [
        edgeText(edge),
        `${labels.get(edge.from) ?? ''} ${edge.from}`,
        `${labels.get(edge.to) ?? ''} ${edge.to}`,
      ]),
    ),
  ].join('\n');
}

/** A text in quotation marks as Graphviz reads it: no other characters have a meaning there. */
const quoted = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&').replace(/\s+/g, ' ')}"`;

function dotOf({ nodes, edges }: RunGraph): string {
  return [
    'digraph run {',
    ...nodes.map((node) => {
      const label = [node.kind, marked(node.label), statusOf(node)].filter(Boolean).join(' ');
      return `  ${quoted(node.id)} [label=${quoted(label)}];`;
    }),
    ...edges.map((edge) => `  ${quoted(edge.from)} -> ${quoted(edge.to)} [label=${quoted(edgeText(edge))}];`),
    '}',
  ].join('\n');
}
