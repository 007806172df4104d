import { Module } from '@nestjs/common';
import type { Config } from '@bailiwick/platform/config';
import { readImportKeys } from '@bailiwick/platform/keys/import-keys';
import { CONFIG, IMPORT_KEYS, type ReadImportKeys } from '../connections/tokens';
import { ImportsService } from './imports.service';

const importKeys = {
  provide: IMPORT_KEYS,
  useFactory:
    ({ files }: Config): ReadImportKeys =>
    () =>
      readImportKeys(files.importKeys),
  inject: [CONFIG],
};

@Module({ providers: [ImportsService, importKeys], exports: [ImportsService] })
export class ImportsModule {}
