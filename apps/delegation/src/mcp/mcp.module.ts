import { Module } from '@nestjs/common';
import { McpPinsController } from './mcp-pins.controller';

@Module({ controllers: [McpPinsController] })
export class McpModule {}
