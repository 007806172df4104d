import { Module } from '@nestjs/common';
import { McpController } from './mcp.controller';
import { McpServersController } from './mcp-servers.controller';
import { Registration } from './registration';

@Module({ controllers: [McpServersController, McpController], providers: [Registration] })
export class McpModule {}
