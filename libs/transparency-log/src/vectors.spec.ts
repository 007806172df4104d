import { readFileSync } from 'node:fs';
import { itWithShared } from '../../../test/support/shared';
import { verifyConsistency, verifyInclusion } from './verify-proof';

interface Vectors {
  inclusion: {
    leafIdx: number | string;
    treeSize: number | string;
    root: string;
    leafHash: string;
    proof: string[] | null;
    file: string;
    wantErr: boolean;
  }[];
  consistency: {
    size1: number | string;
    size2: number | string;
    root1: string;
    root2: string;
    proof: string[] | null;
    file: string;
    wantErr: boolean;
  }[];
}

const FILE = 'vectors/rfc6962-merkle.json';
const read = (path: string): Vectors => JSON.parse(readFileSync(path, 'utf8')) as Vectors;
const bytes = (base64: string): Buffer => Buffer.from(base64, 'base64');

describe('the vectors of transparency-dev/merkle', () => {
  itWithShared(FILE, 'pass in all 98 inclusion cases', (path) => {
    const cases = read(path).inclusion;
    expect(cases).toHaveLength(98);
    const wrong = cases.filter((each) => {
      const verdict = verifyInclusion(
        bytes(each.leafHash),
        BigInt(each.leafIdx),
        BigInt(each.treeSize),
        (each.proof ?? []).map(bytes),
        bytes(each.root),
      );
      return verdict.ok === each.wantErr;
    });
    expect(wrong.map((each) => each.file)).toEqual([]);
  });

  itWithShared(FILE, 'pass in all 98 consistency cases', (path) => {
    const cases = read(path).consistency;
    expect(cases).toHaveLength(98);
    const wrong = cases.filter((each) => {
      const verdict = verifyConsistency(
        BigInt(each.size1),
        BigInt(each.size2),
        (each.proof ?? []).map(bytes),
        bytes(each.root1),
        bytes(each.root2),
      );
      return verdict.ok === each.wantErr;
    });
    expect(wrong.map((each) => each.file)).toEqual([]);
  });
});
