import { Module } from '@nestjs/common';
import { ExportsController } from './exports.controller';
import { ImportsController } from './imports.controller';
import { TenantExport } from './tenant-export';

@Module({ controllers: [ExportsController, ImportsController], providers: [TenantExport] })
export class TransferModule {}
