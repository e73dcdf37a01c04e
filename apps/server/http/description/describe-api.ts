// Describes the API by the same schemas that check it: OpenAPI 3.1 at /openapi.json, which is kept in docs/openapi.json,
// and a page at /docs that loads nothing from other hosts.
import type { INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import type { Application, NextFunction, Request, Response } from 'express';
import { problem } from '../problems/problem.js';
import { answerComponents, tellAnswers } from './answers.js';
import { tellCallers } from './callers.js';
import { callersById } from './described-routes.js';
import { tellMeanings } from './glossary.js';
import { convert, standardSchemaConverter } from './json-schema.js';
import { tellParameters } from './parameters.js';
import { nameBody, tellOnce } from './request-bodies.js';
import { TAGS } from './tags.js';

const DESCRIPTION = `A highly available, multi-tenant job scheduler on PostgreSQL.

Send a key as \`Authorization: Bearer <key>\`. Every error is a problem of RFC 9457. Answers may get new fields within v1: ignore those that you do not know.`;

const METHODS = ['get', 'put', 'post', 'patch', 'delete'] as const;

export interface Served {
  version: string;
  /** Where the API is mounted; empty at the root. */
  prefix: string;
}

export function describeApi(app: INestApplication, { version, prefix }: Served): OpenAPIObject {
  const config = new DocumentBuilder()
    .setOpenAPIVersion('3.1.0')
    .setTitle('Carillon')
    .setDescription(DESCRIPTION)
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .addServer(prefix === '' ? '/' : prefix, 'The replica that serves this page')
    .build();
  const { paths, components = {} } = SwaggerModule.createDocument(app, config, { standardSchemaConverter });
  const { schema, components: ofProblem } = convert(problem, 'output');
  const schemas = { ...components.schemas, ...ofProblem };
  const callers = callersById(app);
  for (const [path, methods] of Object.entries(paths))
    for (const method of METHODS) {
      const operation = methods[method];
      const who = callers.get(operation?.operationId ?? '');
      if (operation === undefined || who === undefined) continue;
      tellCallers(operation, who);
      tellParameters(operation);
      tellAnswers(operation, { method, path }, who);
      nameBody(operation, schemas);
    }
  for (const [name, one] of Object.entries(schemas)) tellMeanings(one, [name]);
  tellOnce(schemas);
  const { contact: _, ...info } = config.info;
  return {
    openapi: config.openapi,
    info,
    servers: config.servers ?? [],
    tags: [...TAGS],
    paths: inOrder(paths),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: 'An API key.' } },
      schemas: inOrder(schemas),
      ...answerComponents(schema),
    },
  };
}

/** The same in each build, whichever module is loaded first. */
function inOrder<Part>(parts: Record<string, Part>): Record<string, Part> {
  return Object.fromEntries(Object.entries(parts).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

export function serveApiDescription(app: NestExpressApplication, served: Served): void {
  // At the root a browser is led to the page; a program gets a 404, as on any other path that is not served.
  const leadToPage = (request: Request, response: Response, next: NextFunction): void => {
    response.vary('Accept');
    if (request.accepts(['json', 'html']) === 'html') response.redirect('/docs');
    else next();
  };
  (app.getHttpAdapter().getInstance() as Application).get('/', leadToPage);
  SwaggerModule.setup('docs', app, () => describeApi(app, served), {
    jsonDocumentUrl: 'openapi.json',
    // It would be made anew for each request, which any caller may send.
    raw: ['json'],
    customSiteTitle: 'Carillon API',
    // The key is kept over a reload, in the browser's storage for this origin. No validator elsewhere is asked.
    swaggerOptions: { persistAuthorization: true, validatorUrl: null },
  });
}
