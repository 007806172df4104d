import { z } from 'zod';
import { LIMITS } from '@bailiwick/core/limits';

/** The files of a bundle: the texts of YAML files by their names. */
export const bundleFiles = z
  .record(z.string().max(LIMITS.policy.fileName), z.string().max(LIMITS.policy.fileBytes))
  .refine((files) => Object.keys(files).length <= LIMITS.policy.files, {
    error: `at most ${LIMITS.policy.files} files`,
  });
export type BundleTexts = z.infer<typeof bundleFiles>;
