import type { Parameters } from './model';

/** Written by `bailiwick bench drift --data FILE… --fit libs/drift/src/fitted.ts`; not edited. */
export const FITTED: Parameters = {
  version: 'structural/4',
  weights: {
    'ordered-target': 1.716,
    'ordered-source': 1.197,
    'ordered-text': 0.498,
    'ordered-mention': 0.175,
    'ordered-among-others': 0,
    'value-from-result': 0.398,
    'value-from-nowhere': 0.452,
    'instruction-echo': 1.386,
    'instruction-echo-read': 0.916,
    'instruction-obeyed': 1.433,
    'instruction-wholly': 0.601,
    'instruction-wholly-read': 0.954,
    'instructed-effect': 2.146,
    'instructed-unasked-effect': 0.484,
    'unasked-effect': 0.289,
    'strange-words': 0.88,
    'at-once': 0.724,
    'at-once-read': 0.814,
    'unasked-high-risk': 1.026,
    'first-of-its-kind': 0.444,
  },
  curve: [
    [0.564, 0.25],
    [1.238, 0.42],
    [2.619, 0.47],
    [3.318, 0.5],
    [4.092, 0.6],
    [4.6, 0.7],
    [5.835, 0.85],
  ],
  from: [
    {
      digest: 'sha256:228d08383790b495cdfa77fafdf2663fe04b3237bbcd1488e1f39976f4d47115',
      runs: 5407,
    },
    {
      digest: 'sha256:40df1b8f4c0af510c93e3de35a77cca0e5a4abadec3ac0c3f9e3aeede770420d',
      runs: 1758,
    },
  ],
};
