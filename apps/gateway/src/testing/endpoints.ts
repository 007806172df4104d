import type { Type } from '@nestjs/common';
import { MODULE_METADATA } from '@nestjs/common/constants';
import { AppModule } from '../app.module';
import { endpointOf, type Endpoint } from '../http/endpoints/endpoint';

/** Reads every endpoint that the application's modules declare, without a container. */
export function declaredEndpoints(): readonly Endpoint[] {
  return modulesOf(AppModule)
    .flatMap((module) => metadata(MODULE_METADATA.CONTROLLERS, module))
    .flatMap(({ prototype }) => Object.getOwnPropertyNames(prototype).map((name) => (prototype as Methods)[name]))
    .flatMap((method) => (typeof method === 'function' ? [endpointOf(method)] : []))
    .filter((endpoint) => endpoint !== undefined);
}

type Methods = Record<string, unknown>;

function modulesOf(module: Type): Type[] {
  return [module, ...metadata(MODULE_METADATA.IMPORTS, module).flatMap(modulesOf)];
}

const metadata = (key: string, module: Type): Type[] => (Reflect.getMetadata(key, module) as Type[] | undefined) ?? [];
