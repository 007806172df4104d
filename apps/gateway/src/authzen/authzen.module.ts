import { Module } from '@nestjs/common';
import { AuthzenController } from './authzen.controller';

@Module({ controllers: [AuthzenController] })
export class AuthzenModule {}
